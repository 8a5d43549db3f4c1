/**
 * Which job of AWS Batch runs a training. Batch takes the same job twice when it is asked twice, so that asking is a claim in the registry
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

const schema = z.strictObject({
  /** Another one for every attempt to submit. */
  token: z.string(),
  at: z.iso.datetime(),
  queue: z.string(),
  /** Null: somebody is about to submit it, or was. */
  batchJob: z.string().nullable(),
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
const nameOf = (id: string): string => `kindred-${id}`;

/** Null when nobody has begun to submit it. */
export async function readSubmission(store: ObjectStore, id: string): Promise<Submission | null> {
  return (await readDocument(store, keyOf(id), schema))?.value ?? null;
}

/** Submits the training, unless it has been, or somebody else is about to. */
export async function submitOnce(
  store: ObjectStore,
  client: BatchClient,
  id: string,
  target: () => Promise<Target>,
): Promise<void> {
  const found = await readDocument(store, keyOf(id), schema);
  if (found !== null && !isStale(found.value)) return;
  const { queue, definition } = await target();
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
    const known = found === null ? null : await findByName(client, found.value.queue, nameOf(id));
    const batchJob = known ?? (await submit(client, id, { queue, definition }));
    await store.put(keyOf(id), encode({ ...claim, batchJob }), { ifMatch: etag });
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

async function submit(client: BatchClient, id: string, { queue, definition }: Target): Promise<string> {
  const { jobId } = await client.send(
    new SubmitJobCommand({
      jobName: nameOf(id),
      jobQueue: queue,
      jobDefinition: definition,
      parameters: { job: id },
    }),
  );
  if (jobId === undefined) throw new Error(`Batch took ${nameOf(id)} without giving it an id`);
  return jobId;
}
