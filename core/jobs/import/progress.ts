import type { ObjectStore } from '../../storage/store.ts';
import type { ImportJob } from '../job.ts';
import { listPieces, picturesIn } from './pieces.ts';
import { readPlan } from './plan.ts';

/** How many of an import's pictures are embedded, told by its pieces; null before it was planned, and when it is done. */
export async function importProgress(
  store: ObjectStore,
  { id, state }: Pick<ImportJob, 'id' | 'state'>,
): Promise<{ readonly done: number; readonly total: number } | null> {
  if (state === 'succeeded') return null;
  const plan = await readPlan(store, id);
  if (plan === null) return null;
  return { done: picturesIn(plan, await listPieces(store, id)), total: plan.pictures };
}
