/** How far an import is, told by its pieces: containers that embed say nothing else of themselves. */
import { z } from 'zod';
import { encode, readDocument } from '../../registry/documents.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { now } from '../../jobs/job.ts';
import type { ImportJob } from '../../jobs/job.ts';
import { embeddingKey } from './keys.ts';
import { listPieces, picturesIn } from './pieces.ts';
import { readPlan } from './plan.ts';
import type { ImportPlan } from './plan.ts';

export interface ImportProgress {
  /** Pictures that are embedded, and all of them. */
  readonly done: number;
  readonly total: number;
  /** At the rate since embedding was begun or gone on with, to two digits; null where there is nothing to tell it by. */
  readonly secondsLeft: number | null;
}

const beginSchema = z.strictObject({ at: z.iso.datetime(), done: z.int().min(0) });

/** Notes that pictures are embedded from now on, so that the time that is left can be told. */
export async function noteEmbedding(store: ObjectStore, job: string, plan: ImportPlan): Promise<void> {
  const done = picturesIn(plan, await listPieces(store, job));
  await store.put(embeddingKey(job), encode({ at: now(), done }));
}

/** Null before it was planned, and when it is done. */
export async function importProgress(
  store: ObjectStore,
  { id, state }: Pick<ImportJob, 'id' | 'state'>,
): Promise<ImportProgress | null> {
  if (state === 'succeeded') return null;
  const plan = await readPlan(store, id);
  if (plan === null) return null;
  const done = picturesIn(plan, await listPieces(store, id));
  const begin =
    state === 'running' ? (await readDocument(store, embeddingKey(id), beginSchema))?.value : null;
  const left = begin && secondsLeft({ ...begin, at: Date.parse(begin.at) }, done, plan.pictures);
  return { done, total: plan.pictures, secondsLeft: left ?? null };
}

/** @param begin when, in milliseconds, and how many were done then */
export function secondsLeft(
  begin: { readonly at: number; readonly done: number },
  done: number,
  total: number,
  moment: number = Date.now(),
): number | null {
  const seconds = ((moment - begin.at) / 1000) * ((total - done) / (done - begin.done));
  // Also where the clock of who noted it is ahead.
  return Number.isFinite(seconds) && seconds >= 0 ? Number(seconds.toPrecision(2)) : null;
}
