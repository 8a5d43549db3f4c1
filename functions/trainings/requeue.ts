import { readJob, updateJob } from '../../core/jobs/job.ts';
import type { ObjectStore } from '../../core/storage/store.ts';

/** A job that was stopped only because its machine is needed elsewhere is not cancelled: it waits to be gone on with. */
export async function requeue(store: ObjectStore, id: string): Promise<void> {
  await updateJob(store, id, (job) =>
    job.state === 'cancelled' ? { ...job, state: 'queued', finishedAt: null, error: null } : job,
  );
}

/** Whether somebody wants the job to end for good. */
export async function isToEnd(store: ObjectStore, id: string): Promise<boolean> {
  const { state, cancelRequested } = await readJob(store, id);
  return state === 'cancelled' || cancelRequested;
}
