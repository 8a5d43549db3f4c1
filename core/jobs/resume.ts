import { ConflictError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isOpen, kindOf, updateJob } from './job.ts';
import type { Job } from './job.ts';
import { isInterrupted, isOwnerAlive } from './owner.ts';

/**
 * Has a job gone on with that has failed or was cancelled: it waits again, with all that it had done. One that waits or runs is left as it is,
 * so that asking twice comes to the same; one whose process is gone waits too, unless a server sees to it anyway.
 * @param via who sees to it from now on; undefined: who did before
 * @throws NotFoundError; ConflictError when it has succeeded, or is being stopped still
 */
export async function resumeJob(store: ObjectStore, id: string, via?: 'http'): Promise<Job> {
  return updateJob(store, id, (job) => {
    if (job.state === 'succeeded') {
      throw new ConflictError(
        `The ${kindOf(job)} ${id} has succeeded; there is nothing to go on with. Start another one.`,
      );
    }
    if (!isOpen(job)) return waiting(job, via);
    if (job.state === 'queued') return via === undefined || job.via === via ? job : { ...job, via };
    if (job.cancelRequested && isOwnerAlive(job)) {
      throw new ConflictError(
        `The ${kindOf(job)} ${id} is being stopped. Wait until it is cancelled, then ask again.`,
      );
    }
    return isInterrupted(job) && job.via === undefined ? waiting(job, via) : job;
  });
}

function waiting(job: Job, via: 'http' | undefined): Job {
  return {
    ...job,
    ...(via !== undefined && { via }),
    state: 'queued',
    owner: null,
    cancelRequested: false,
    finishedAt: null,
    error: null,
    resumed: (job.resumed ?? 0) + 1,
  };
}
