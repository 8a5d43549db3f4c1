/** Who works on a job: one process at a time, and none that is gone. */
import { hostname } from 'node:os';
import { ConflictError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { clearCancelRequest, now, updateJob } from './job.ts';
import type { Job } from './job.ts';

/** Whether the process that says it works on the job may still be there. On another host nobody can tell from here. */
export function isOwnerAlive({ owner }: Job): boolean {
  if (owner === null) return false;
  if (owner.host !== hostname()) return true;
  if (owner.pid === process.pid) return true;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Takes the job for this process. @throws ConflictError when another one has it */
export async function takeJob(store: ObjectStore, id: string): Promise<Job> {
  await clearCancelRequest(store, id);
  return updateJob(store, id, (job) => {
    if (job.state === 'running' && isOwnerAlive(job)) {
      const { host, pid } = job.owner as NonNullable<Job['owner']>;
      throw new ConflictError(
        `Job ${id} is being worked on by process ${pid} on ${host}. Wait for it, or stop it with \`kindred jobs cancel ${id}\`.`,
      );
    }
    const owner = { host: hostname(), pid: process.pid, since: now() };
    const attempts = job.attempts + 1;
    return {
      ...job,
      state: 'running',
      owner,
      attempts,
      startedAt: job.startedAt ?? now(),
      finishedAt: null,
      error: null,
    };
  });
}
