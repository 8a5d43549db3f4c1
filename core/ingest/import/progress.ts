/** How far an import is, by its shards: the containers that embed report nothing else. */
import { z } from 'zod';
import { encode, readDocument } from '../../registry/documents.ts';
import { jobPrefix } from '../../registry/layout.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { readPlan } from './plan.ts';
import type { ImportPlan } from './plan.ts';
import { imagesIn, listShards } from './shards.ts';

export interface ImportProgress {
  /** Images that are embedded, and all of them. */
  readonly done: number;
  readonly total: number;
  /** Estimated from the rate since embedding was started or resumed, to two digits; null while there is no rate. */
  readonly secondsLeft: number | null;
}

const embeddingKey = (id: string): string => `${jobPrefix(id)}embedding.json`;
const beginSchema = z.strictObject({ at: z.iso.datetime(), done: z.int().min(0) });

/** Notes that images are embedded from now on, for the estimate of the time left. */
export async function noteEmbedding(store: ObjectStore, id: string, plan: ImportPlan): Promise<void> {
  const done = imagesIn(plan, await listShards(store, id));
  await store.put(embeddingKey(id), encode({ at: new Date().toISOString(), done }));
}

/** Null before the import is planned, and once it has succeeded. */
export async function importProgress(
  store: ObjectStore,
  { id, state }: { readonly id: string; readonly state: string },
): Promise<ImportProgress | null> {
  if (state === 'succeeded') return null;
  const plan = await readPlan(store, id);
  if (plan === null) return null;
  const done = imagesIn(plan, await listShards(store, id));
  const begin =
    state === 'running' ? (await readDocument(store, embeddingKey(id), beginSchema))?.value : null;
  const left = begin && secondsLeft({ ...begin, at: Date.parse(begin.at) }, done, plan.pictures);
  return { done, total: plan.pictures, secondsLeft: left ?? null };
}

/** @param begin when embedding began, in milliseconds, and how many images were done then */
export function secondsLeft(
  begin: { readonly at: number; readonly done: number },
  done: number,
  total: number,
  moment: number = Date.now(),
): number | null {
  const seconds = ((moment - begin.at) / 1000) * ((total - done) / (done - begin.done));
  // Negative where the clock of the process that noted it is ahead.
  return Number.isFinite(seconds) && seconds >= 0 ? Number(seconds.toPrecision(2)) : null;
}
