/** A training as a job: what was asked, how far it is, how it ended. Stored as jobs/<id>/job.json. */
import { ulid } from 'ulid';
import { z } from 'zod';
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { encode, readDocument } from '../registry/documents.ts';
import type { Stored } from '../registry/documents.ts';
import { checkJob } from '../registry/names.ts';
import type { ObjectStore } from '../storage/store.ts';

export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

const requestSchema = z.strictObject({
  /** A folder, or the name of a data set in the registry; how it was found is the edge's to know. */
  dataSet: z.string(),
  testSet: z.string().nullable(),
  /** Share of the pictures to judge on where there is no test set. */
  holdOut: z.number().min(0).max(0.9),
  model: z.string(),
  recipe: z.string(),
  options: z.record(z.string(), z.json()),
  seed: z.int(),
  promote: z.boolean(),
});
/** What somebody wants trained. */
export type TrainingRequest = z.infer<typeof requestSchema>;

const moment = z.iso.datetime().nullable();
const jobSchema = z.strictObject({
  id: z.string(),
  state: z.enum(JOB_STATES),
  request: requestSchema,
  createdAt: z.iso.datetime(),
  startedAt: moment,
  finishedAt: moment,
  /** The process that works on it, while it is running. */
  owner: z.strictObject({ host: z.string(), pid: z.int(), since: z.iso.datetime() }).nullable(),
  /** How often it was started. */
  attempts: z.int(),
  result: z.strictObject({ model: z.string(), version: z.int() }).nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
});
export type Job = Readonly<z.infer<typeof jobSchema>>;

export const jobPrefix = (id: string): string => `jobs/${id}/`;
export const checkpointPrefix = (id: string): string => `${jobPrefix(id)}checkpoint/`;
const jobKey = (id: string): string => `${jobPrefix(id)}job.json`;
const cancelKey = (id: string): string => `${jobPrefix(id)}cancel.json`;
export const progressKey = (id: string): string => `${jobPrefix(id)}progress.json`;

export const now = (): string => new Date().toISOString();

/** Stores a new job, queued. */
export async function createJob(store: ObjectStore, request: TrainingRequest): Promise<Job> {
  const job: Job = {
    id: ulid(),
    state: 'queued',
    request,
    createdAt: now(),
    startedAt: null,
    finishedAt: null,
    owner: null,
    attempts: 0,
    result: null,
    error: null,
  };
  await store.put(jobKey(job.id), encode(job), { ifAbsent: true });
  return job;
}

/** @throws NotFoundError */
export async function readJob(store: ObjectStore, id: string): Promise<Job> {
  return (await stored(store, id)).value;
}

async function stored(store: ObjectStore, id: string): Promise<Stored<Job>> {
  checkJob(id);
  const found = await readDocument(store, jobKey(id), jobSchema);
  if (found === null) {
    throw new NotFoundError(`There is no job ${id} in ${store.uri}. List them with \`kindred jobs list\`.`);
  }
  return found;
}

/** What a running job said last, and when; null before it said anything. */
export async function readProgress(
  store: ObjectStore,
  id: string,
): Promise<{ at: string; progress: unknown } | null> {
  checkJob(id);
  const schema = z.object({ at: z.iso.datetime(), progress: z.unknown() });
  return (await readDocument(store, progressKey(id), schema))?.value ?? null;
}

/** All jobs, oldest first. */
export async function listJobs(store: ObjectStore): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const { key } of store.list('jobs/')) {
    const id = /^jobs\/([^/]+)\/job\.json$/.exec(key)?.[1];
    if (id !== undefined) jobs.push(await readJob(store, id));
  }
  return jobs;
}

/** Changes a job by compare-and-swap, asking `change` again when somebody else was first. */
export async function updateJob(store: ObjectStore, id: string, change: (job: Job) => Job): Promise<Job> {
  for (;;) {
    const { value, etag } = await stored(store, id);
    const next = change(value);
    try {
      await store.put(jobKey(id), encode(next), { ifMatch: etag });
      return next;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

/**
 * Asks a job to stop. One that waits is cancelled at once; one that runs stops at its next step and keeps a checkpoint.
 * @throws InvalidInputError when it has ended already
 */
export async function requestCancel(store: ObjectStore, id: string): Promise<Job> {
  const job = await updateJob(store, id, (found) => {
    if (found.state === 'queued') return { ...found, state: 'cancelled', finishedAt: now() };
    if (found.state === 'running') return found;
    throw new InvalidInputError(
      `Job ${id} has ${found.state} already; only queued and running jobs can be cancelled.`,
    );
  });
  if (job.state === 'running') await store.put(cancelKey(id), encode({ at: now() }));
  return job;
}

export async function isCancelRequested(store: ObjectStore, id: string): Promise<boolean> {
  return (await store.head(cancelKey(id))) !== null;
}

export async function clearCancelRequest(store: ObjectStore, id: string): Promise<void> {
  await store.delete(cancelKey(id));
}
