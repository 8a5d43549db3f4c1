/**
 * Which jobs of AWS Batch do the work of a job. Batch takes the same job twice when it is asked twice, so that asking is a claim in the registry
 * first: jobs/<id>/batch.json, made by conditional create.
 */
import { randomUUID } from 'node:crypto';
import { ListJobsCommand, SubmitJobCommand } from '@aws-sdk/client-batch';
import type { BatchClient } from '@aws-sdk/client-batch';
import { z } from 'zod';
import { ConflictError } from '../../../core/errors.ts';
import { JOBS, now } from '../../../core/jobs/job.ts';
import { encode, readDocument } from '../../../core/registry/documents.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import type { Step } from './steps.ts';

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
});
export type Submission = z.infer<typeof schema>;

export interface Target {
  /** Name or ARN. */
  readonly queue: string;
  /** Name: the newest revision is taken. */
  readonly definition: string;
}

/** Whoever was about to submit for so long is gone. */
const PATIENCE_MS = 60_000;

const keyOf = (id: string): string => `${JOBS}${id}/batch.json`;

/** Null when nobody has begun to submit it. */
export async function readSubmission(store: ObjectStore, id: string): Promise<Submission | null> {
  return (await readDocument(store, keyOf(id), schema))?.value ?? null;
}

/** What is submitted, and where to. */
export interface Work {
  readonly target: Target;
  /** At least one; each begins when the one before it has succeeded. */
  readonly steps: readonly Step[];
}

/** Submits the job's work, unless it has been, or somebody else is about to. */
export async function submitOnce(
  store: ObjectStore,
  client: BatchClient,
  id: string,
  work: () => Promise<Work>,
): Promise<void> {
  const found = await readDocument(store, keyOf(id), schema);
  if (found !== null && !isStale(found.value)) return;
  const { target, steps } = await work();
  const { queue } = target;
  const claim: Submission = { token: randomUUID(), at: now(), queue, batchJob: null, unsure: false };
  let etag: string;
  try {
    const condition = found === null ? { ifAbsent: true as const } : { ifMatch: found.etag };
    ({ etag } = await store.put(keyOf(id), encode(claim), condition));
  } catch (error) {
    if (error instanceof ConflictError) return;
    throw error;
  }
  try {
    const batchJobs: string[] = [];
    for (const step of steps) {
      const known = found === null ? null : await findByName(client, found.value.queue, step.name);
      batchJobs.push(known ?? (await submit(client, target, step, batchJobs.at(-1))));
    }
    const batchJob = batchJobs.pop() ?? null;
    const before = batchJobs.length === 0 ? {} : { before: batchJobs };
    await store.put(keyOf(id), encode({ ...claim, batchJob, ...before }), { ifMatch: etag });
  } catch (error) {
    await store.put(keyOf(id), encode({ ...claim, unsure: true }), { ifMatch: etag }).catch(() => undefined);
    throw error;
  }
}

function isStale({ batchJob, unsure, at }: Submission): boolean {
  return batchJob === null && (unsure || Date.now() - Date.parse(at) > PATIENCE_MS);
}

async function findByName(client: BatchClient, queue: string, name: string): Promise<string | null> {
  const { jobSummaryList = [] } = await client.send(
    new ListJobsCommand({ jobQueue: queue, filters: [{ name: 'JOB_NAME', values: [name] }] }),
  );
  return jobSummaryList[0]?.jobId ?? null;
}

async function submit(
  client: BatchClient,
  { queue, definition }: Target,
  { name, parameters, size }: Step,
  after: string | undefined,
): Promise<string> {
  const { jobId } = await client.send(
    new SubmitJobCommand({
      jobName: name,
      jobQueue: queue,
      jobDefinition: definition,
      parameters: { ...parameters },
      ...(size !== undefined && { arrayProperties: { size } }),
      ...(after !== undefined && { dependsOn: [{ jobId: after }] }),
    }),
  );
  if (jobId === undefined) throw new Error(`Batch took ${name} without giving it an id`);
  return jobId;
}
