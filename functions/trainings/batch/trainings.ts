/**
 * Trainings and imports as jobs of AWS Batch. The registry's job documents say what they do; Batch says what becomes of its container, which
 * counts where the document cannot know: before it begins, and when it ended without a word.
 */
import { DescribeJobsCommand, ListJobsCommand } from '@aws-sdk/client-batch';
import type { BatchClient, JobDetail } from '@aws-sdk/client-batch';
import { isOpen, now, readJob, updateJob } from '../../../core/jobs/job.ts';
import type { Job } from '../../../core/jobs/job.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { RequestError, busy } from '../../errors.ts';
import type { Obstacle, Seen, Trainings } from '../trainings.ts';
import { currentOf } from './current.ts';
import { BatchFacts } from './facts.ts';
import { failureOf } from './failure.ts';
import type { Failure } from './failure.ts';
import { obstaclesOf } from './obstacles.ts';
import { begins, isElsewhere, isRecent, isToShow, notShown, notSubmitted, plain } from './seen.ts';
import { stepsOf } from './steps.ts';
import { idsOf, readSubmission } from './submission-document.ts';
import type { Submission } from './submission-document.ts';
import { CANCELLED, endSubmission, submitOnce } from './submission.ts';
import type { Target } from './submission.ts';

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

/** What is left in Batch of a job that ended longer ago has ended itself by now. */
const LEFT_MS = 24 * 60 * 60_000;
const DESCRIBED_AT_ONCE = 100;

export class BatchTrainings implements Trainings {
  readonly #options: Required<BatchOptions>;
  readonly #facts: BatchFacts;

  constructor(options: BatchOptions) {
    this.#options = { waiting: 100, imports: null, ...options };
    this.#facts = new BatchFacts(options);
  }

  async checkImport(): Promise<void> {
    if (this.#options.imports !== null) return;
    throw new RequestError(
      501,
      'not-offered',
      'Imports run on the queue without GPUs, which is not deployed here. Deploy with "training.cpu.enabled", or import from a machine of ' +
        'your own that reaches the registry: kindred gallery import DATASET --parts N --registry URI.',
    );
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
    const job = await readJob(store, id);
    if (!isOpen(job)) return;
    await asked(() =>
      submitOnce(store, client, job, async () => ({
        target: await this.#targetOf(job),
        steps: stepsOf(job),
      })),
    );
    // Who cancelled it before it was submitted found nothing to end.
    const { state, cancelRequested, resumed } = await readJob(store, id);
    if (resumed === job.resumed && (state === 'cancelled' || cancelRequested)) await this.cancelled(id);
  }

  async look<J extends Job>(jobs: readonly J[]): Promise<readonly Seen<J>[]> {
    const submitted = await Promise.all(
      jobs.map(async (job) => {
        if (isOpen(job)) return readSubmission(this.#options.store, job);
        await this.#endLeft(job);
        return null;
      }),
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
    const { store, client } = this.#options;
    const submission = await readSubmission(store, await readJob(store, id));
    const ids = idsOf(submission);
    if (ids.length === 0) return;
    const details = await asked(() => this.#describe(ids));
    const job = await readJob(store, id);
    if (isElsewhere(job, ids)) return;
    // Its program hears of it, and keeps what it has.
    const known = ids.flatMap((each) => details.get(each) ?? []);
    if (known.length > 0 && currentOf(known).status === 'running' && isBeingWorkedOn(job)) return;
    await asked(() => endSubmission(store, client, job));
    await endJob(store, job, 'cancelled', null);
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

  /** A container that fails notes that, and cannot end those that wait: they would begin, only to see that it is over. */
  async #endLeft(job: Job): Promise<void> {
    if (job.state === 'succeeded' || !isRecent(job.finishedAt, LEFT_MS)) return;
    try {
      await endSubmission(this.#options.store, this.#options.client, job);
    } catch (error) {
      this.#options.trouble(error);
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
    if (isElsewhere(job, batchJobs)) return plain(job);
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
      if (batchJobs.length > 1) {
        await asked(() => endSubmission(this.#options.store, this.#options.client, job));
      }
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
    // Somebody wanted it to end, and its program died before it heard of that.
    const error = job.cancelRequested ? null : failure;
    const state = error === null ? 'cancelled' : 'failed';
    return plain((await endJob(this.#options.store, job, state, error)) as J);
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

/** Whether a process has the job, and hears when somebody wants it to stop. */
function isBeingWorkedOn({ kind, state, owner }: Job): boolean {
  return state === 'running' && (kind === undefined || owner !== null);
}

/** Notes the end of a job that is open still; its program may have said it meanwhile. */
async function endJob(
  store: ObjectStore,
  { id, resumed }: Job,
  state: 'cancelled' | 'failed',
  error: Failure | null,
): Promise<Job> {
  return updateJob(store, id, (job) =>
    isOpen(job) && job.resumed === resumed
      ? { ...job, state, owner: null, cancelRequested: false, finishedAt: now(), error }
      : job,
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
