/**
 * Trainings as jobs of AWS Batch. The registry's job documents say what a training does; Batch says what becomes of its container, which
 * counts where the document cannot know: before it begins, and when it ended without a word.
 */
import {
  BatchClient,
  DescribeJobsCommand,
  ListJobsCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import type { JobDetail } from '@aws-sdk/client-batch';
import { now, readJob, updateJob } from '../../../core/jobs/job.ts';
import type { Job, TrainingRequest } from '../../../core/jobs/job.ts';
import { isOwnerAlive } from '../../../core/jobs/owner.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { RequestError, busy } from '../../errors.ts';
import type { Obstacle, Seen, Trainings } from '../trainings.ts';
import { BatchFacts } from './facts.ts';
import { failureOf } from './failure.ts';
import type { Failure } from './failure.ts';
import { obstaclesOf } from './obstacles.ts';
import { checkOptions } from './options.ts';
import { readSubmission, submitOnce } from './submission.ts';
import type { Target } from './submission.ts';

export interface BatchOptions {
  readonly store: ObjectStore;
  readonly trouble: (error: unknown) => void;
  /** Made with `batchClient`. */
  readonly client: BatchClient;
  /** At least one of them. */
  readonly gpu: Target | null;
  readonly cpu: Target | null;
  /** Where there are both: data sets of up to so many pictures are trained without a GPU. */
  readonly smallPictures: number;
  /** Jobs that may wait. @default 100 */
  readonly waiting?: number;
}

/** Given by the API, found again in what Batch says of a job. */
const CANCELLED = 'Cancelled through Kindred';
/** A training of which Batch has not heard after so long was lost on the way there. */
const PATIENCE_MS = 60_000;
const DESCRIBED_AT_ONCE = 100;

export class BatchTrainings implements Trainings {
  readonly #options: Required<BatchOptions>;
  readonly #facts: BatchFacts;

  constructor(options: BatchOptions) {
    this.#options = { waiting: 100, ...options };
    this.#facts = new BatchFacts(options);
  }

  async check({ recipe, options }: TrainingRequest): Promise<void> {
    checkOptions(recipe, options);
  }

  async room(): Promise<void> {
    const { client, waiting, gpu, cpu } = this.#options;
    const queues = [gpu, cpu].flatMap((target) => target?.queue ?? []);
    const lists = await asked(() =>
      Promise.all(
        queues.map(async (jobQueue) => client.send(new ListJobsCommand({ jobQueue, jobStatus: 'RUNNABLE' }))),
      ),
    );
    const found = lists.reduce((sum, { jobSummaryList = [] }) => sum + jobSummaryList.length, 0);
    if (found >= waiting) throw busy(`${found} trainings wait already. Cancel some, or try again later.`);
  }

  async offer(id: string): Promise<void> {
    const { store, client } = this.#options;
    await asked(() => submitOnce(store, client, id, () => this.#targetOf(id)));
  }

  async look(jobs: readonly Job[]): Promise<readonly Seen[]> {
    const open = jobs.filter(isOpen);
    const submitted = await Promise.all(
      open.map(async ({ id }) => [id, (await readSubmission(this.#options.store, id))?.batchJob] as const),
    );
    const details = await asked(() => this.#describe(submitted.flatMap(([, batchJob]) => batchJob ?? [])));
    const batchJobs = new Map(submitted);
    return Promise.all(
      jobs.map(async (job) => {
        const batchJob = batchJobs.get(job.id);
        if (!isOpen(job)) return plain(job);
        return this.#seen(job, batchJob ?? null, details.get(batchJob ?? '') ?? null);
      }),
    );
  }

  async cancelled(id: string): Promise<void> {
    const { store, client } = this.#options;
    const batchJob = (await readSubmission(store, id))?.batchJob;
    if (!batchJob) return;
    const detail = (await asked(() => this.#describe([batchJob]))).get(batchJob);
    const job = await readJob(store, id);
    // Its program hears of it, and keeps a checkpoint.
    if (detail?.status === 'RUNNING' && job.state === 'running') return;
    await asked(() => client.send(new TerminateJobCommand({ jobId: batchJob, reason: CANCELLED })));
    await endJob(store, id, 'cancelled', null);
  }

  /** What was submitted runs on without this process. */
  async close(): Promise<void> {
    this.#options.client.destroy();
  }

  async #targetOf(id: string): Promise<Target> {
    const { store, gpu, cpu, smallPictures } = this.#options;
    if (gpu === null || cpu === null) return (gpu ?? cpu) as Target;
    const { dataSet } = (await readJob(store, id)).request;
    let pictures = 0;
    for await (const _ of store.list(`datasets/${dataSet}/`)) if (++pictures > smallPictures) return gpu;
    return cpu;
  }

  async #describe(batchJobs: readonly string[]): Promise<Map<string, JobDetail>> {
    const found = new Map<string, JobDetail>();
    for (let i = 0; i < batchJobs.length; i += DESCRIBED_AT_ONCE) {
      const command = new DescribeJobsCommand({ jobs: batchJobs.slice(i, i + DESCRIBED_AT_ONCE) });
      const { jobs = [] } = await this.#options.client.send(command);
      for (const job of jobs) found.set(job.jobId ?? '', job);
    }
    return found;
  }

  async #seen(job: Job, batchJob: string | null, detail: JobDetail | null): Promise<Seen> {
    if (batchJob === null) return notSubmitted(job);
    // A job that ended is forgotten by Batch after some days.
    if (detail === null) return this.#ended(job, { code: 'unexpected', message: 'Batch knows no such job' });
    const { status, statusReason } = detail;
    if (status === 'SUCCEEDED')
      return this.#ended(job, { code: 'unexpected', message: 'its container ended without a word' });
    if (status === 'FAILED') return this.#ended(job, statusReason === CANCELLED ? null : failureOf(detail));
    if (status === 'RUNNING') return job.state === 'queued' ? begins(job) : plain(job);
    return { job, interrupted: job.state === 'running', waiting: await this.#obstacles(detail) };
  }

  /** @param failure null: it was cancelled */
  async #ended(job: Job, failure: Failure | null): Promise<Seen> {
    const state = failure === null ? 'cancelled' : 'failed';
    return plain(await endJob(this.#options.store, job.id, state, failure));
  }

  async #obstacles(detail: JobDetail): Promise<readonly Obstacle[]> {
    try {
      return obstaclesOf(await this.#facts.of(detail));
    } catch (error) {
      this.#options.trouble(error);
      return [{ code: 'unknown', message: `AWS could not be asked why it waits: ${messageOf(error)}` }];
    }
  }
}

/** A client that finds region, keys and endpoint where AWS' clients look for them. */
export function batchClient(): BatchClient {
  return new BatchClient({});
}

function isOpen({ state }: Job): boolean {
  return state === 'queued' || state === 'running';
}

const plain = (job: Job): Seen => ({
  job,
  interrupted: job.state === 'running' && !isOwnerAlive(job),
  waiting: [],
});

const begins = (job: Job): Seen => ({
  job,
  interrupted: false,
  waiting: [{ code: 'starting', message: 'The container runs, and loads what it works with.' }],
});

function notSubmitted(job: Job): Seen {
  if (Date.now() - Date.parse(job.createdAt) < PATIENCE_MS) return plain(job);
  const message =
    'It did not come to AWS Batch. Ask for it again with the same Idempotency-Key, or cancel it and start another.';
  return { ...plain(job), waiting: [{ code: 'not-submitted', message }] };
}

/** Notes the end of a job that is open still; its program may have said it meanwhile. */
async function endJob(
  store: ObjectStore,
  id: string,
  state: 'cancelled' | 'failed',
  error: Failure | null,
): Promise<Job> {
  return updateJob(store, id, (job) =>
    isOpen(job) ? { ...job, state, owner: null, cancelRequested: false, finishedAt: now(), error } : job,
  );
}

/** What AWS refuses is neither the caller's fault nor a fault of this program. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!isFromAws(cause)) throw cause;
    throw new RequestError(503, 'batch-unavailable', `AWS Batch cannot be used: ${messageOf(cause)}`, {
      headers: { 'Retry-After': '10' },
      cause,
    });
  }
}

function isFromAws(error: unknown): boolean {
  return error instanceof Error && '$metadata' in error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
