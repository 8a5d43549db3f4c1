/** Which change of the gallery an import becomes, decided before it is written. */
import { z } from 'zod';
import { idAfter } from '../../gallery/segments.ts';
import type { Segment } from '../../gallery/segments.ts';
import { readDocument } from '../../registry/documents.ts';
import { listSegments } from '../../registry/segments.ts';
import type { ObjectStore } from '../../storage/store.ts';
import type { ImportJob } from '../../jobs/job.ts';
import { firstOf } from './first.ts';
import { publicationKey } from './keys.ts';

const publicationSchema = z.strictObject({
  /** The id of the change. */
  segment: z.string(),
  /** The changes that the gallery had then: what it has already is told by them. */
  after: z.array(z.string()),
});
export type Publication = z.infer<typeof publicationSchema>;

/** The first decision counts. @param segments the changes that the gallery has now */
export async function decidePublication(
  store: ObjectStore,
  { id }: ImportJob,
  segments: readonly Segment[],
): Promise<Publication> {
  const mine = { segment: idAfter(segments), after: segments.map((segment) => segment.id) };
  return firstOf(store, publicationKey(id), mine, () => readPublication(store, id));
}

/** Whether the gallery has the import's pictures, whether or not that was noted. */
export async function isPublished(
  store: ObjectStore,
  { id, request: { model, version } }: ImportJob,
): Promise<boolean> {
  const found = await readPublication(store, id);
  return found !== null && (await listSegments(store, model, version)).includes(found.segment);
}

async function readPublication(store: ObjectStore, id: string): Promise<Publication | null> {
  return (await readDocument(store, publicationKey(id), publicationSchema))?.value ?? null;
}
