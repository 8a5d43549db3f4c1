/** Work as a job: what was asked, how far it is, how it ended. Stored as jobs/<id>/job.json. */
import { ulid } from 'ulid';
import { z } from 'zod';
import { ConflictError, NotFoundError } from '../errors.ts';
import { encode, readDocument } from '../registry/documents.ts';
import type { Stored } from '../registry/documents.ts';
import { JOBS, jobPrefix } from '../registry/layout.ts';
import { checkJob } from '../registry/names.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { trainingRequestSchema } from '../pipeline/request.ts';
import type { TrainingRequest } from '../pipeline/request.ts';
import { gateSchema } from '../promotion/gate.ts';
import { importRequestSchema, importResultSchema } from '../ingest/import/request.ts';
import type { ImportRequest } from '../ingest/import/request.ts';

export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

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
const common = {
  id: z.string(),
  /** Set for jobs that a server started, which it sees to itself. */
  via: z.literal('http').optional(),
  state: z.enum(JOB_STATES),
  createdAt: z.iso.datetime(),
  startedAt: moment,
  finishedAt: moment,
  /** The process that works on it, while it is running; see owner.ts. */
  owner: ownerSchema.nullable(),
  /** Somebody wants the running job to stop. */
  cancelRequested: z.boolean(),
  /** How often it was started. */
  attempts: z.int(),
  /** How often it was gone on with after it had ended; see resume.ts. What was set to work on it before that is over. */
  resumed: z.int().min(0).optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
};

/** Has no kind: there were only trainings once. */
const trainingSchema = z.strictObject({
  ...common,
  kind: z.undefined().optional(),
  request: trainingRequestSchema,
  result: z
    .strictObject({
      model: z.string(),
      version: z.int(),
      /** Whether the version went live, and what decided that; jobs of earlier Kindreds do not say it. */
      promoted: z.boolean().optional(),
      gate: gateSchema.nullable().optional(),
    })
    .nullable(),
});
export type TrainingJob = Readonly<z.infer<typeof trainingSchema>>;

/** Images that many processes embed for one gallery; see core/jobs/import.ts. */
const importSchema = z.strictObject({
  ...common,
  kind: z.literal('import'),
  request: importRequestSchema,
  result: importResultSchema.nullable(),
});
export type ImportJob = Readonly<z.infer<typeof importSchema>>;

const jobSchema = z.union([trainingSchema, importSchema]);
export type Job = TrainingJob | ImportJob;
export type JobKind = 'training' | 'import';

export const jobKey = (id: string): string => `${jobPrefix(id)}job.json`;
export const progressKey = (id: string): string => `${jobPrefix(id)}progress.json`;
export const checkpointPrefix = (id: string): string => `${jobPrefix(id)}checkpoint/`;

/** This moment, as it is stored. */
export const now = (): string => new Date().toISOString();

/** A new job's id, where that was decided before, and who sees to it. */
export type NewJob = { readonly id?: string } & Pick<Job, 'via'>;

/**
 * Stores a new training, queued.
 * @throws ConflictError when there is a job of that id
 */
export async function createJob(
  store: ObjectStore,
  request: TrainingRequest,
  given: NewJob = {},
): Promise<TrainingJob> {
  return stored(store, { ...queued(given), request, result: null });
}

/**
 * Stores a new import, queued.
 * @throws ConflictError when there is a job of that id
 */
export async function createImport(
  store: ObjectStore,
  request: ImportRequest,
  given: NewJob = {},
): Promise<ImportJob> {
  return stored(store, { ...queued(given), kind: 'import', request, result: null });
}

async function stored<J extends Job>(store: ObjectStore, job: J): Promise<J> {
  await store.put(jobKey(job.id), encode(job), { ifAbsent: true });
  return job;
}

function queued({ id = ulid(), via }: NewJob): Omit<Job, 'kind' | 'request' | 'result'> {
  return {
    id,
    ...(via !== undefined && { via }),
    state: 'queued',
    createdAt: now(),
    startedAt: null,
    finishedAt: null,
    owner: null,
    cancelRequested: false,
    attempts: 0,
    error: null,
  };
}

/** Whether it waits or runs; else it has ended. */
export function isOpen({ state }: Pick<Job, 'state'>): boolean {
  return state === 'queued' || state === 'running';
}

/** What kind of work the job is. */
export function kindOf({ kind }: Pick<Job, 'kind'>): JobKind {
  return kind ?? 'training';
}

/** @throws NotFoundError */
export async function readJob(store: ObjectStore, id: string): Promise<Job> {
  return (await found(store, id)).value;
}

/** @throws NotFoundError, also when the job is another kind of work */
export async function readTraining(store: ObjectStore, id: string): Promise<TrainingJob> {
  const job = await readJob(store, id);
  if (job.kind === undefined) return job;
  throw new NotFoundError(`The job ${id} is no training: it imports pictures into a gallery.`);
}

/** @throws NotFoundError, also when the job is another kind of work */
export async function readImport(store: ObjectStore, id: string): Promise<ImportJob> {
  const job = await readJob(store, id);
  if (job.kind === 'import') return job;
  throw new NotFoundError(`The job ${id} is no import of pictures: it is a training.`);
}

async function found(store: ObjectStore, id: string): Promise<Stored<Job>> {
  checkJob(id);
  const document = await readDocument(store, jobKey(id), jobSchema);
  if (document === null) {
    throw new NotFoundError(`There is no job ${id} in ${store.uri}. List them with \`kindred jobs list\`.`);
  }
  return document;
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

const READS_AT_ONCE = 100;

/**
 * All jobs, oldest first.
 * @param most only so many, the newest
 * @param isOne only those
 * @param except these ids, which are not read
 */
export async function listJobs<J extends Job = Job>(
  store: ObjectStore,
  most = Number.POSITIVE_INFINITY,
  isOne: (job: Job) => job is J = (job): job is J => job !== null,
  except: ReadonlySet<string> = new Set(),
): Promise<J[]> {
  const ids: string[] = [];
  for await (const id of store.folders(JOBS)) if (isUlid(id) && !except.has(id)) ids.push(id);
  ids.sort();
  const jobs: J[] = [];
  while (ids.length > 0 && jobs.length < most) {
    const newest = ids.splice(-Math.min(most, READS_AT_ONCE));
    const read = await Promise.all(newest.map((id) => readDocument(store, jobKey(id), jobSchema)));
    jobs.unshift(
      ...read.flatMap((document) => (document !== null && isOne(document.value) ? [document.value] : [])),
    );
  }
  return jobs.slice(-Math.min(most, jobs.length));
}

/**
 * Changes a job by compare-and-swap, asking `change` again when somebody else was first; the same job given back
 * leaves it as it is.
 * @throws NotFoundError, and what `change` throws
 */
export async function updateJob(store: ObjectStore, id: string, change: (job: Job) => Job): Promise<Job> {
  for (;;) {
    const { value, etag } = await found(store, id);
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
