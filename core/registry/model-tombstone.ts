/**
 * The note that a whole model is being deleted, or was: `models/<model>/deleted.json`. It outlives the model, so that a
 * number is never used twice: whatever is named `cats@3` anywhere is that version, or nothing.
 */
import { z } from 'zod';
import { ConflictError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { readDocument } from './documents.ts';
import type { Stored } from './documents.ts';
import { modelTombstoneKey } from './layout.ts';

const modelTombstoneSchema = z.strictObject({
  /**
   * `checking`: whether it may be deleted is being checked, and no alias moves meanwhile; `deleting`: every version is
   * gone, and the objects are being removed; `deleted`: the name is free.
   */
  state: z.enum(['checking', 'deleting', 'deleted']),
  /** Versions up to this number are gone for good; a new model of this name counts on from here. */
  upTo: z.int().min(0),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  /** Makes each attempt's document its own. */
  token: z.string(),
});

export type ModelTombstone = z.infer<typeof modelTombstoneSchema>;

/** The model's tombstone, or null when it was never deleted. @throws CorruptDataError */
export async function readModelTombstone(
  store: ObjectStore,
  model: string,
): Promise<Stored<ModelTombstone> | null> {
  return readDocument(store, modelTombstoneKey(model), modelTombstoneSchema);
}

/** The highest version number that the tombstone covers: Infinity while the model is being deleted, 0 without one. */
export function goneUpTo(tombstone: Stored<ModelTombstone> | null): number {
  if (tombstone === null) return 0;
  return tombstone.value.state === 'deleting' ? Number.POSITIVE_INFINITY : tombstone.value.upTo;
}

/** @throws ConflictError while the model is being deleted, or its deletion was interrupted */
export function requireNotDeleting(model: string, tombstone: Stored<ModelTombstone> | null): void {
  if (tombstone === null || tombstone.value.state === 'deleted') return;
  throw new ConflictError(
    `The model "${model}" is being deleted; nothing was written. If that was interrupted, finish it with ` +
      `"kindred models delete ${model}"; then the name is free again.`,
  );
}
