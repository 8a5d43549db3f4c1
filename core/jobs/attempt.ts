/** One attempt at a job that this process has taken, whatever its work is. */
import { ConflictError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Report } from '../training/progress.ts';
import type { Job } from './job.ts';
import { failureOf } from './failure.ts';
import { leaveJob } from './owner.ts';
import type { Hold } from './owner.ts';
import { watchJob } from './watch.ts';
import type { Watch } from './watch.ts';

/** Whom to tell, and when to stop. */
export interface AttemptContext {
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does the work while the store hears of it, gives the job back, and notes how that ended.
 * @param work stops when the watch's signal says so; its `result` is what the job keeps
 * @throws what the work throws; ConflictError when another process has taken the job
 */
export async function attemptJob<T>(
  store: ObjectStore,
  hold: Hold,
  { report, signal }: AttemptContext,
  work: (watch: Watch) => Promise<{ readonly outcome: T; readonly result: Job['result'] }>,
): Promise<T> {
  const watch = watchJob(store, hold, report, signal);
  try {
    const { outcome, result } = await work(watch);
    await watch.stop();
    await leaveJob(store, hold, { state: 'succeeded', result, error: null });
    return outcome;
  } catch (thrown) {
    await watch.stop();
    const lost: unknown = watch.signal.reason;
    const error = lost instanceof ConflictError ? lost : thrown;
    // Why the work stopped says more than why that could not be noted.
    await leaveJob(store, hold, failureOf(error)).catch(() => undefined);
    throw error;
  }
}
