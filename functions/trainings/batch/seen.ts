/** What is told of a job where Batch has nothing to say of it, or nothing more. */
import type { Job } from '../../../core/jobs/job.ts';
import { isInterrupted, isOwnerAlive } from '../../../core/jobs/owner.ts';
import type { Seen } from '../trainings.ts';
import type { Submission } from './submission-document.ts';

/** A job of which Batch has not heard after so long was lost on the way there. */
const PATIENCE_MS = 60_000;
/** What Batch was given shows after so long, or not any more. */
const SHOWN_MS = 600_000;

export const plain = <J extends Job>(job: J): Seen<J> => ({
  job,
  interrupted: isInterrupted(job),
  waiting: [],
});

export const begins = <J extends Job>(job: J): Seen<J> => ({
  job,
  interrupted: false,
  waiting: [{ code: 'starting', message: 'The container runs, and loads what it works with.' }],
});

/**
 * Whether what Batch does not tell of may still show: it takes its time with what it was just given (metaflow 543, airflow 37552), and who
 * works on a job says so in the registry. Not for ever: what is gone is gone (nextflow 7301).
 */
export function isToShow(job: Job, { at }: Submission): boolean {
  const isAtWork = job.state === 'running' && isOwnerAlive(job);
  return isAtWork || isRecent(at, SHOWN_MS);
}

/** Whether a process works on the job that Batch has not started: somebody goes on with it by hand. */
export function isElsewhere(job: Job, batchJobs: readonly string[]): boolean {
  const [, batchJob] = /^aws-batch\/(.+)#\d+$/.exec(job.owner?.host ?? '') ?? [];
  return isOwnerAlive(job) && !batchJobs.some((id) => id === batchJob);
}

export function isRecent(at: string | null, ms: number): boolean {
  return at !== null && Date.now() - Date.parse(at) < ms;
}

export function notShown<J extends Job>(job: J): Seen<J> {
  if (job.state !== 'queued') return { ...plain(job), interrupted: false };
  const message = 'Batch has it, and does not tell of it yet.';
  return { ...plain(job), waiting: [{ code: 'starting', message }] };
}

export function notSubmitted<J extends Job>(job: J): Seen<J> {
  // What was begun by hand is seen to by whoever did.
  if (job.via !== 'http' || isRecent(job.createdAt, PATIENCE_MS)) return plain(job);
  const message =
    'It did not come to AWS Batch. Ask for it again with the same Idempotency-Key, or cancel it and start another.';
  return { ...plain(job), waiting: [{ code: 'not-submitted', message }] };
}
