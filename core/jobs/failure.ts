/** How a job fails, in words for those who asked for it; where in the program it happened is for the log of its process. */
import { CancelledError, KindredError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isOpen, now, updateJob } from './job.ts';
import type { Job } from './job.ts';
import { isOwnerAlive } from './owner.ts';
import type { Ending } from './owner.ts';
import { plainText } from './plain-text.ts';

/** How a job ends that stopped with this error. */
export function failureOf(error: unknown): Ending {
  const state = error instanceof CancelledError ? 'cancelled' : 'failed';
  const code = error instanceof KindredError ? error.code : 'unexpected';
  const message = error instanceof Error ? error.message : String(error);
  return { state, result: null, error: { code, message: plainText(message) } };
}

/**
 * Does work for a job that this process has not taken, and notes that the job has failed when the work has, unless somebody works on it who
 * sees to that, or it was ended and gone on with meanwhile.
 */
export async function notingFailure<T>(
  store: ObjectStore,
  { id, resumed }: Pick<Job, 'id' | 'resumed'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const { state, error } = failureOf(thrown);
    if (state === 'failed') {
      // Why the work failed says more than why that could not be noted.
      await updateJob(store, id, (job) =>
        !isOpen(job) || isOwnerAlive(job) || job.resumed !== resumed
          ? job
          : { ...job, state, owner: null, finishedAt: now(), error },
      ).catch(() => undefined);
    }
    throw thrown;
  }
}
