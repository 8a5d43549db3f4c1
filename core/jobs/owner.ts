/**
 * Who works on a job: one process at a time. The right to it is a token in job.json, taken, renewed and given back by
 * compare-and-swap; a process that is gone, or was not heard of for long, has lost it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { CancelledError, ConflictError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { now, updateJob } from './job.ts';
import type { Job, Owner } from './job.ts';

/** A process that was not heard of for so long is taken for gone, where nobody can look whether it is. */
const LEASE_MS = 10 * 60_000;
const RENEWAL_MS = 30_000;

/** Tokens of this process, so that another one that had its number before is not taken for it. */
const mine = new Set<string>();

/** The right to work on a job. Give it back with {@link leaveJob}. */
export interface Hold {
  readonly id: string;
  readonly token: string;
  readonly unattended: boolean;
}

export interface Taking {
  /** Where this process works. @default this machine's name */
  readonly place?: string | undefined;
  /**
   * Nobody but what started this process has asked for it, at some time before: a job that has ended since is left alone, and one that is
   * stopped without anybody wanting it cancelled waits to be gone on with. @default false
   */
  readonly unattended?: boolean | undefined;
}

/** How an attempt ended. */
export type Ending = Pick<Job, 'state' | 'result' | 'error'>;

/**
 * Whether the process that is said to work on the job may still be at it.
 * @param place where this process works, if it wants to take the job: attempts that it supersedes are over
 */
export function isOwnerAlive({ owner }: Pick<Job, 'owner'>, place?: string): boolean {
  if (owner === null) return false;
  if (place !== undefined && supersedes(place, owner.host)) return false;
  if (owner.host === hostname()) {
    if (owner.pid === process.pid) return mine.has(owner.token);
    if (!isProcess(owner.pid)) return false;
  }
  return Date.now() - Date.parse(owner.seenAt) < LEASE_MS;
}

/**
 * Whether the process that is said to work on the job is gone. Nobody is said to work on an import while its parts are embedded by
 * containers: of these, what starts them knows.
 */
export function isInterrupted(job: Job): boolean {
  return job.state === 'running' && job.owner !== null && !isOwnerAlive(job);
}

/**
 * Where something else starts a job's attempts one after the other, on a machine each, they are called NAME#1, NAME#2 ...: when one of
 * them runs, those before it are over, though no machine can look at another one's processes.
 */
function supersedes(place: string, other: string): boolean {
  const [own, theirs] = [place, other].map((name) => /^(.+)#(\d{1,9})$/.exec(name));
  return !!own && !!theirs && own[1] === theirs[1] && Number(own[2]) > Number(theirs[2]);
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Takes the job for this process.
 * @returns null when the job has succeeded: there is nothing left to do
 * @throws ConflictError when another process works on it; of an unattended process, as {@link requireOpen} does
 */
export async function takeJob(
  store: ObjectStore,
  id: string,
  { place = hostname(), unattended = false }: Taking = {},
): Promise<Hold | null> {
  const token = randomUUID();
  mine.add(token);
  try {
    const job = await updateJob(store, id, (found) => {
      if (!unattended) return taken(found, token, place);
      requireOpen(found);
      // Whoever worked on it died before it heard of that.
      if (found.cancelRequested && !isOwnerAlive(found, place)) return cancelled(found);
      return taken(found, token, place);
    });
    if (unattended) requireOpen(job);
    if (job.state !== 'succeeded') return { id, token, unattended };
  } catch (error) {
    mine.delete(token);
    throw error;
  }
  mine.delete(token);
  return null;
}

/** @throws CancelledError when it was cancelled, ConflictError when it has failed: somebody has to want it gone on with */
export function requireOpen({ id, state }: Pick<Job, 'id' | 'state'>): void {
  if (state === 'cancelled')
    throw new CancelledError(`The job ${id} was cancelled; nothing more is done for it.`);
  if (state === 'failed') throw new ConflictError(`The job ${id} has failed; nothing more is done for it.`);
}

/** The job, ended, with nobody working on it. */
export function cancelled(job: Job): Job {
  return { ...job, state: 'cancelled', owner: null, cancelRequested: false, finishedAt: now() };
}

function taken(job: Job, token: string, place: string): Job {
  if (job.state === 'succeeded') return job;
  if (job.state === 'running' && isOwnerAlive(job, place)) {
    const { host, pid } = job.owner as Owner;
    throw new ConflictError(
      `Job ${job.id} is being worked on by process ${pid} on ${host}. Wait for it, or stop it with \`kindred jobs cancel ${job.id}\`.`,
    );
  }
  const at = now();
  return {
    ...job,
    state: 'running',
    owner: { host: place, pid: process.pid, token, since: at, seenAt: at },
    cancelRequested: false,
    attempts: job.attempts + 1,
    startedAt: job.startedAt ?? at,
    finishedAt: null,
    error: null,
  };
}

/**
 * Says, now and then, that this process is still at work.
 * @returns the job as it is now
 * @throws ConflictError when another process has taken it
 */
export async function renewHold(store: ObjectStore, { id, token }: Pick<Hold, 'id' | 'token'>): Promise<Job> {
  return updateJob(store, id, (job) => {
    const { owner } = job;
    if (owner?.token !== token) {
      throw new ConflictError(`Another process took over job ${id}; this one stops.`);
    }
    if (Date.now() - Date.parse(owner.seenAt) < RENEWAL_MS) return job;
    return { ...job, owner: { ...owner, seenAt: now() } };
  });
}

/** Notes how the attempt ended and gives the job back; nothing when another process has it by now. */
export async function leaveJob(
  store: ObjectStore,
  { id, token, unattended }: Hold,
  ending: Ending,
): Promise<void> {
  try {
    await updateJob(store, id, (job) => {
      if (job.owner?.token !== token) return job;
      const left = { ...job, owner: null, cancelRequested: false };
      const isOnlyStopped = unattended && ending.state === 'cancelled' && !job.cancelRequested;
      // What it came to is of the kind that the job is.
      return (
        isOnlyStopped ? { ...left, state: 'queued' } : { ...left, ...ending, finishedAt: now() }
      ) as Job;
    });
  } finally {
    mine.delete(token);
  }
}
