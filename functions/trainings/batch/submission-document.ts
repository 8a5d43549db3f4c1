/** What the registry knows of the jobs of AWS Batch that a job became: jobs/<id>/batch.json. Asks nobody else. */
import { z } from 'zod';
import { jobPrefix } from '../../../core/registry/layout.ts';
import type { Job } from '../../../core/jobs/job.ts';
import { readDocument } from '../../../core/registry/documents.ts';
import type { Stored } from '../../../core/registry/documents.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';

const schema = z.strictObject({
  /** Another one for every attempt to submit. */
  token: z.string(),
  at: z.iso.datetime(),
  queue: z.string(),
  /** The last one; null: somebody is about to submit it, or was. */
  batchJob: z.string().nullable(),
  /** Those that go before it, in their order. */
  before: z.array(z.string()).optional(),
  /** Whether whoever was about to may have done it without hearing of it. */
  unsure: z.boolean(),
  /** The job's `resumed` when it was submitted. */
  round: z.int().optional(),
  /** Batch was told to end what there is of it. */
  over: z.boolean().optional(),
});
export type Submission = z.infer<typeof schema>;

export const submissionKey = (id: string): string => `${jobPrefix(id)}batch.json`;

/** The job's `resumed`, of a job that it was not of before. */
export const roundOf = ({ resumed = 0 }: Pick<Job, 'resumed'>): number => resumed;

/** What was submitted last, whether or not it was gone on with since; null when nobody has begun to submit it. */
export async function storedSubmission(store: ObjectStore, id: string): Promise<Stored<Submission> | null> {
  return readDocument(store, submissionKey(id), schema);
}

/** What was submitted for the job since it was gone on with last; null when nobody has begun to submit it. */
export async function readSubmission(store: ObjectStore, job: Job): Promise<Submission | null> {
  const found = await storedSubmission(store, job.id);
  return found !== null && (found.value.round ?? 0) === roundOf(job) ? found.value : null;
}

/** Of the jobs of Batch, in their order; none when they were not submitted. */
export function idsOf(submission: Submission | null): string[] {
  if (submission === null || submission.batchJob === null) return [];
  return [...(submission.before ?? []), submission.batchJob];
}
