/**
 * Which jobs of AWS Batch do the work of a job. Batch takes the same job twice when it is asked twice, so that asking is a claim in the registry
 * first: jobs/<id>/batch.json, made by conditional create.
 */
import { randomUUID } from 'node:crypto';
import { ListJobsCommand, SubmitJobCommand, TerminateJobCommand } from '@aws-sdk/client-batch';
import type { BatchClient } from '@aws-sdk/client-batch';
import { now } from '../../../core/jobs/job.ts';
import type { Job } from '../../../core/jobs/job.ts';
import { encode } from '../../../core/registry/documents.ts';
import { putIf } from '../../../core/storage/put-if.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import type { Step } from './steps.ts';
import { idsOf, roundOf, storedSubmission, submissionKey } from './submission-document.ts';
import type { Submission } from './submission-document.ts';

/** Given by the API, found again in what Batch says of a job. */
export const CANCELLED = 'Cancelled through Kindred';

export interface Target {
  /** Name or ARN. */
  readonly queue: string;
  /** Name: the newest revision is taken. */
  readonly definition: string;
}

/** Whoever was about to submit for so long is gone. */
const PATIENCE_MS = 60_000;

/** Has Batch end all that there is of the job, also of an array; told once, however often this is done. */
export async function endSubmission(store: ObjectStore, client: BatchClient, { id }: Job): Promise<void> {
  const found = await storedSubmission(store, id);
  if (found === null || found.value.over || found.value.batchJob === null) return;
  await terminate(client, idsOf(found.value));
  await putIf(store, submissionKey(id), encode({ ...found.value, over: true }), { ifMatch: found.etag });
}

async function terminate(client: BatchClient, batchJobs: readonly string[]): Promise<void> {
  // The last one first: it must not begin because of what happens to the others.
  for (const jobId of batchJobs.toReversed()) {
    await client.send(new TerminateJobCommand({ jobId, reason: CANCELLED }));
  }
}

/** What is submitted, and where to. */
export interface Work {
  readonly target: Target;
  /** At least one; each begins when the one before it has succeeded. */
  readonly steps: readonly Step[];
}

/** Submits the job's work, unless it has been since it was gone on with last, or somebody else is about to. */
export async function submitOnce(
  store: ObjectStore,
  client: BatchClient,
  job: Job,
  work: () => Promise<Work>,
): Promise<void> {
  const key = submissionKey(job.id);
  const round = roundOf(job);
  const found = await storedSubmission(store, job.id);
  const before = found === null ? -1 : (found.value.round ?? 0);
  if (found !== null && (before > round || (before === round && !isStale(found.value)))) return;
  // Whoever began to submit the same may have come as far as that Batch took some of it.
  const perhapsIn = found !== null && before === round ? found.value.queue : null;
  const { target, steps } = await work();
  const { queue } = target;
  const claim: Submission = { token: randomUUID(), at: now(), queue, batchJob: null, unsure: false, round };
  const condition = found === null ? { ifAbsent: true as const } : { ifMatch: found.etag };
  const etag = await putIf(store, key, encode(claim), condition);
  if (etag === null) return;
  const batchJobs: string[] = [];
  try {
    for (const step of steps) {
      const known = perhapsIn === null ? null : await findByName(client, perhapsIn, step.name);
      batchJobs.push(known ?? (await submit(client, target, step, batchJobs.at(-1))));
    }
  } catch (error) {
    await store.put(key, encode({ ...claim, unsure: true }), { ifMatch: etag }).catch(() => undefined);
    throw error;
  }
  const done = { ...claim, batchJob: batchJobs.at(-1) ?? null };
  const first = batchJobs.length > 1 ? { before: batchJobs.slice(0, -1) } : {};
  if ((await putIf(store, key, encode({ ...done, ...first }), { ifMatch: etag })) !== null) return;
  // It was ended and gone on with meanwhile: nobody will ever ask after these.
  const others = await storedSubmission(store, job.id);
  if ((others?.value.round ?? 0) > round) await terminate(client, batchJobs);
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
