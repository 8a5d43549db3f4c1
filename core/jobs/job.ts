/** A training as a job: what was asked, how far it is, how it ended. Stored as jobs/<id>/job.json. */
import { ulid } from 'ulid';
import { z } from 'zod';
import { ConflictError, NotFoundError } from '../errors.ts';
import { encode, readDocument } from '../registry/documents.ts';
import type { Stored } from '../registry/documents.ts';
import { checkJob } from '../registry/names.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { gateSchema } from './gate.ts';

export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

const requestSchema = z.strictObject({
  /** A folder, an address, or the name of a data set in the registry; how it was found is the edge's to know. */
  dataSet: z.string(),
  testSet: z.string().nullable(),
  /** Share of the pictures to judge on where there is no test set. */
  holdOut: z.number().min(0).max(0.9),
  model: z.string(),
  recipe: z.string(),
  options: z.record(z.string(), z.json()),
  seed: z.int(),
  promote: z.boolean(),
  /** Let the version answer even when it is worse than the one before. */
  force: z.boolean().optional(),
  /** The loss of accuracy up to which it may answer; see gate.ts. */
  tolerance: z.number().min(0).max(1).optional(),
  /** Shares that the operating points aim at, where they are not the usual ones: of known pictures (balanced), and of strangers (strict). */
  falseRejection: z.number().min(0).max(1).optional(),
  falseAcceptance: z.number().min(0).max(1).optional(),
});
/** What somebody wants trained. */
export type TrainingRequest = z.infer<typeof requestSchema>;

const ownerSchema = z.strictObject({
  host: z.string(),
  pid: z.int(),
  /** Another one for every attempt. */
  token: z.string(),
  since: z.iso.datetime(),
  /** When it last said that it is still at work. */
  seenAt: z.iso.datetime(),
});
export type Owner = Readonly<z.infer<typeof ownerSchema>>;

const moment = z.iso.datetime().nullable();
const jobSchema = z.strictObject({
  id: z.string(),
  /** Set for jobs that a server started, which it sees to itself. */
  via: z.literal('http').optional(),
  state: z.enum(JOB_STATES),
  request: requestSchema,
  createdAt: z.iso.datetime(),
  startedAt: moment,
  finishedAt: moment,
  /** The process that works on it, while it is running; see owner.ts. */
  owner: ownerSchema.nullable(),
  /** Somebody wants the running job to stop. */
  cancelRequested: z.boolean(),
  /** How often it was started. */
  attempts: z.int(),
  result: z
    .strictObject({
      model: z.string(),
      version: z.int(),
      /** Whether the version went live, and what decided that; jobs of earlier Kindreds do not say it. */
      promoted: z.boolean().optional(),
      gate: gateSchema.nullable().optional(),
    })
    .nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
});
export type Job = Readonly<z.infer<typeof jobSchema>>;

export const JOBS = 'jobs/';
const jobKey = (id: string): string => `${JOBS}${id}/job.json`;
export const progressKey = (id: string): string => `${JOBS}${id}/progress.json`;
export const checkpointPrefix = (id: string): string => `${JOBS}${id}/checkpoint/`;

/** This moment, as it is stored. */
export const now = (): string => new Date().toISOString();

/**
 * Stores a new job, queued.
 * @param given its id, where that was decided before, and who sees to it
 * @throws ConflictError when there is a job of that id
 */
export async function createJob(
  store: ObjectStore,
  request: TrainingRequest,
  { id = ulid(), via }: { readonly id?: string } & Pick<Job, 'via'> = {},
): Promise<Job> {
  const job: Job = {
    id,
    ...(via !== undefined && { via }),
    state: 'queued',
    request,
    createdAt: now(),
    startedAt: null,
    finishedAt: null,
    owner: null,
    cancelRequested: false,
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

/** All jobs, oldest first. @param most only so many, the newest */
export async function listJobs(store: ObjectStore, most = Number.POSITIVE_INFINITY): Promise<Job[]> {
  const ids: string[] = [];
  for await (const id of store.folders(JOBS)) if (isUlid(id)) ids.push(id);
  const jobs = await Promise.all(
    ids
      .toSorted()
      .slice(-most)
      .map((id) => readDocument(store, jobKey(id), jobSchema)),
  );
  return jobs.flatMap((found) => (found === null ? [] : [found.value]));
}

/**
 * Changes a job by compare-and-swap, asking `change` again when somebody else was first; the same job given back
 * leaves it as it is.
 * @throws NotFoundError, and what `change` throws
 */
export async function updateJob(store: ObjectStore, id: string, change: (job: Job) => Job): Promise<Job> {
  for (;;) {
    const { value, etag } = await stored(store, id);
    const next = change(value);
    if (next === value) return value;
    try {
      await store.put(jobKey(id), encode(next), { ifMatch: etag });
      return next;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}
