/**
 * Trainings and imports as jobs of AWS Batch. The registry's job documents say what they do; Batch says what becomes of its container, which
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
import type { ObjectStore } from '../../../core/storage/store.ts';
import { RequestError, busy } from '../../errors.ts';
import type { Obstacle, Seen, Trainings } from '../trainings.ts';
import { currentOf } from './current.ts';
import { BatchFacts } from './facts.ts';
import { failureOf } from './failure.ts';
import type { Failure } from './failure.ts';
import { obstaclesOf } from './obstacles.ts';
import { checkOptions } from './options.ts';
import { begins, isToShow, notShown, notSubmitted, plain } from './seen.ts';
import { stepsOf } from './steps.ts';
import { readSubmission, submitOnce } from './submission.ts';
import type { Submission, Target } from './submission.ts';

export interface BatchOptions {
  readonly store: ObjectStore;
  readonly trouble: (error: unknown) => void;
  /** Made with `batchClient`. */
  readonly client: BatchClient;
  /** At least one of them. */
  readonly gpu: Target | null;
  readonly cpu: Target | null;
  /** What runs imports. @default nothing does */
  readonly imports?: Target | null;
  /** Where there are both: data sets of up to so many pictures are trained without a GPU. */
  readonly smallPictures: number;
  /** Jobs that may wait. @default 100 */
  readonly waiting?: number;
}

/** Given by the API, found again in what Batch says of a job. */
const CANCELLED = 'Cancelled through Kindred';
const DESCRIBED_AT_ONCE = 100;

export class BatchTrainings implements Trainings {
  readonly #options: Required<BatchOptions>;
  readonly #facts: BatchFacts;

  constructor(options: BatchOptions) {
    this.#options = { waiting: 100, imports: null, ...options };
    this.#facts = new BatchFacts(options);
  }

  async check({ recipe, options }: TrainingRequest): Promise<void> {
    checkOptions(recipe, options);
  }

  async checkImport(): Promise<void> {
    if (this.#options.imports !== null) return;
    throw new RequestError(501, 'not-offered', 'There is no queue here that imports could be submitted to.');
  }

  async room(): Promise<void> {
    const { client, waiting, gpu, cpu, imports } = this.#options;
    const queues = new Set([gpu, cpu, imports].flatMap((target) => target?.queue ?? []));
    const lists = await asked(() =>
      Promise.all(
        [...queues].map(async (jobQueue) =>
          client.send(new ListJobsCommand({ jobQueue, jobStatus: 'RUNNABLE' })),
        ),
      ),
    );
    const found = lists.reduce((sum, { jobSummaryList = [] }) => sum + jobSummaryList.length, 0);
    if (found >= waiting) throw busy(`${found} jobs wait already. Cancel some, or try again later.`);
  }

  async offer(id: string): Promise<void> {
    const { store, client } = this.#options;
    await asked(() =>
      submitOnce(store, client, id, async () => {
        const job = await readJob(store, id);
        return { target: await this.#targetOf(job), steps: stepsOf(job) };
      }),
    );
  }

  async look<J extends Job>(jobs: readonly J[]): Promise<readonly Seen<J>[]> {
    const submitted = await Promise.all(
      jobs.map(async (job) => (isOpen(job) ? readSubmission(this.#options.store, job.id) : null)),
    );
    const details = await asked(() => this.#describe(submitted.flatMap((one) => idsOf(one))));
    return Promise.all(
      jobs.map(async (job, i) => {
        if (!isOpen(job)) return plain(job);
        return this.#seen(job, submitted[i] ?? null, details);
      }),
    );
  }

  async cancelled(id: string): Promise<void> {
    const { store } = this.#options;
    const ids = idsOf(await readSubmission(store, id));
    if (ids.length === 0) return;
    const details = await asked(() => this.#describe(ids));
    const job = await readJob(store, id);
    // Its program hears of it, and keeps what it has.
    const known = ids.flatMap((each) => details.get(each) ?? []);
    if (known.length > 0 && currentOf(known).status === 'running' && isBeingWorkedOn(job)) return;
    await asked(() => this.#terminate(ids));
    await endJob(store, id, 'cancelled', null);
  }

  /** What was submitted runs on without this process. */
  async close(): Promise<void> {
    this.#options.client.destroy();
  }

  async #targetOf({ kind, request }: Job): Promise<Target> {
    const { store, gpu, cpu, imports, smallPictures } = this.#options;
    if (kind === 'import') {
      await this.checkImport();
      return imports as Target;
    }
    if (gpu === null || cpu === null) return (gpu ?? cpu) as Target;
    let pictures = 0;
    for await (const _ of store.list(`datasets/${request.dataSet}/`))
      if (++pictures > smallPictures) return gpu;
    return cpu;
  }

  async #terminate(batchJobs: readonly string[]): Promise<void> {
    const { client } = this.#options;
    // The last one first: it must not begin because of what happens to the others.
    for (const jobId of batchJobs.toReversed()) {
      await client.send(new TerminateJobCommand({ jobId, reason: CANCELLED }));
    }
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

  /** @param known what Batch tells of its jobs, by id */
  async #seen<J extends Job>(
    job: J,
    submission: Submission | null,
    known: ReadonlyMap<string, JobDetail>,
  ): Promise<Seen<J>> {
    const batchJobs = idsOf(submission);
    if (submission === null || batchJobs.length === 0) return notSubmitted(job);
    const details = batchJobs.flatMap((id) => known.get(id) ?? []);
    if (details.length < batchJobs.length && isToShow(job, submission)) return notShown(job);
    // A job that ended is forgotten by Batch after some days.
    if (details.length === 0)
      return this.#ended(job, { code: 'unexpected', message: 'Batch knows no such job' });
    const { status, detail } = currentOf(details);
    if (status === 'succeeded')
      return this.#ended(job, { code: 'unexpected', message: 'its container ended without a word' });
    if (status === 'failed') {
      const failure = detail.statusReason === CANCELLED ? null : failureOf(await this.#failedChild(detail));
      if (batchJobs.length > 1) await asked(() => this.#terminate(batchJobs));
      return this.#ended(job, failure);
    }
    if (status === 'running') return job.state === 'queued' ? begins(job) : plain(job);
    // Of an import the next step waits; of a training, its next attempt.
    const interrupted = job.kind === undefined && job.state === 'running';
    return { job, interrupted, waiting: await this.#obstacles(detail) };
  }

  /** Of an array, the first child that has failed: it knows why. */
  async #failedChild(detail: JobDetail): Promise<JobDetail> {
    if (detail.arrayProperties?.size === undefined || detail.jobId === undefined) return detail;
    const { client } = this.#options;
    const command = new ListJobsCommand({ arrayJobId: detail.jobId, jobStatus: 'FAILED', maxResults: 1 });
    const child = (await asked(() => client.send(command))).jobSummaryList?.[0]?.jobId;
    if (child === undefined) return detail;
    return (await asked(() => this.#describe([child]))).get(child) ?? detail;
  }

  /** @param failure null: it was cancelled */
  async #ended<J extends Job>(job: J, failure: Failure | null): Promise<Seen<J>> {
    const state = failure === null ? 'cancelled' : 'failed';
    return plain((await endJob(this.#options.store, job.id, state, failure)) as J);
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

/** Whether a process has the job, and hears when somebody wants it to stop. */
function isBeingWorkedOn({ kind, state, owner }: Job): boolean {
  return state === 'running' && (kind === undefined || owner !== null);
}

/** Of the jobs of Batch, in their order; none when they were not submitted. */
function idsOf(submission: Submission | null): string[] {
  if (submission === null || submission.batchJob === null) return [];
  return [...(submission.before ?? []), submission.batchJob];
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
