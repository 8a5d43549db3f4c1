import { InvalidInputError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { now, updateJob } from './job.ts';
import type { Job } from './job.ts';
import { isOwnerAlive } from './owner.ts';

/**
 * Asks a job to stop. One that nobody works on is cancelled at once; one that runs stops at its next step and keeps a
 * checkpoint.
 * @throws NotFoundError; InvalidInputError when it has ended already
 */
export async function requestCancel(store: ObjectStore, id: string): Promise<Job> {
  return updateJob(store, id, (job) => {
    if (job.state !== 'queued' && job.state !== 'running') {
      throw new InvalidInputError(
        `Job ${id} has ended already: it is ${job.state}. Only queued and running jobs can be cancelled.`,
      );
    }
    if (isOwnerAlive(job)) return { ...job, cancelRequested: true };
    return { ...job, state: 'cancelled', owner: null, finishedAt: now() };
  });
}
