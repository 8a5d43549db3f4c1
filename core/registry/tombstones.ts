import { z } from 'zod';
import type { ObjectStore } from '../storage/store.ts';
import { readDocument } from './documents.ts';
import type { Stored } from './documents.ts';
import { tombstoneKey } from './layout.ts';

const tombstoneSchema = z.strictObject({
  /**
   * `deleting`: being deleted or deleted, no alias may be moved to it; `kept`: the deletion was refused;
   * `cleaned`: it was never published, and what a dead publisher left was removed.
   */
  state: z.enum(['deleting', 'kept', 'cleaned']),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  /** Makes each attempt's document its own. */
  token: z.string(),
});

export type Tombstone = z.infer<typeof tombstoneSchema>;

/** What is noted of the version's removal, or null when nobody set about it. @throws CorruptDataError */
export async function readTombstone(
  store: ObjectStore,
  model: string,
  version: number,
): Promise<Stored<Tombstone> | null> {
  return readDocument(store, tombstoneKey(model, version), tombstoneSchema);
}
