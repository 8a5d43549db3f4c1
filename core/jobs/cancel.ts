import { InvalidInputError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isPublished } from '../ingest/import/publish.ts';
import { isOpen, readJob, updateJob } from './job.ts';
import type { Job } from './job.ts';
import { cancelled, isOwnerAlive } from './owner.ts';

/**
 * Asks a job to stop. One that nobody works on is cancelled at once; one that runs stops at its next step and keeps a
 * checkpoint.
 * @throws NotFoundError; InvalidInputError when it has ended already, or what it was to make is there
 */
export async function requestCancel(store: ObjectStore, id: string): Promise<Job> {
  const found = await readJob(store, id);
  const tooLate = found.kind === 'import' && isOpen(found) && (await isPublished(store, found));
  return updateJob(store, id, (job) => {
    if (!isOpen(job)) {
      throw new InvalidInputError(
        `Job ${id} has ended already: it is ${job.state}. Only queued and running jobs can be cancelled.`,
      );
    }
    if (tooLate) {
      throw new InvalidInputError(
        `The pictures of import ${id} are in the gallery already. What is left to do is to note that; remove them from there if they are not wanted.`,
      );
    }
    if (isOwnerAlive(job)) return { ...job, cancelRequested: true };
    return cancelled(job);
  });
}
