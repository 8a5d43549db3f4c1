import pLimit from 'p-limit';
import { ConflictError, InvalidInputError } from '../../core/errors.ts';
import { requestCancel } from '../../core/jobs/cancel.ts';
import { isOpen, listJobs } from '../../core/jobs/job.ts';
import type { Job, NewJob } from '../../core/jobs/job.ts';
import { createJobOnce, jobOfKey } from '../../core/jobs/once.ts';
import { isInterrupted } from '../../core/jobs/owner.ts';
import { resumeJob } from '../../core/jobs/resume.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import { RequestError } from '../errors.ts';
import type { Seen, Trainings } from '../trainings/trainings.ts';

/** Jobs shown at once: for each, the store may be asked for its progress. */
const SHOWN_AT_ONCE = 16;

type Scopes = readonly Scope[] | undefined;

/** One kind of job: how it is requested, run and shown. */
export interface JobType<J extends Job, Wanted, Shown> {
  /** Such as "trainings". */
  readonly plural: string;
  /** @throws NotFoundError, also for a job of another kind */
  readonly read: (store: ObjectStore, id: string) => Promise<J>;
  readonly isOne: (job: Job) => job is J;
  readonly create: (store: ObjectStore, request: J['request'], given: NewJob) => Promise<J>;
  readonly shown: (one: Seen<J>) => Promise<Shown>;
  /**
   * What must be equal when a request is repeated with its idempotency key.
   * @throws RequestError (forbidden); InvalidInputError
   */
  readonly same: (wanted: Wanted, scopes: Scopes) => unknown;
  /** The request of a new job. @throws NotFoundError when a dataset or version does not exist */
  readonly request: (wanted: Wanted) => Promise<J['request']>;
  /** @throws RequestError or InvalidInputError when the job could not succeed where jobs run */
  readonly check: (request: J['request'], trainings: Trainings) => Promise<void>;
  /** @throws RequestError (forbidden) */
  readonly authorizeResume: (job: J, scopes: Scopes) => void;
}

/** Jobs of one kind, as the API starts, shows, cancels and resumes them. */
export class JobService<J extends Job, Wanted, Shown> {
  readonly #store: ObjectStore;
  readonly #trainings: Trainings | null;
  readonly #type: JobType<J, Wanted, Shown>;

  /** @param trainings what runs jobs; null: this server runs none */
  constructor(store: ObjectStore, trainings: Trainings | null, type: JobType<J, Wanted, Shown>) {
    this.#store = store;
    this.#trainings = trainings;
    this.#type = type;
  }

  /** Starts a job, or returns the one that the idempotency key already stands for. */
  async start(key: string, wanted: Wanted, scopes: Scopes): Promise<Shown> {
    const { same, request: requestOf, check, create, isOne } = this.#type;
    const asked = same(wanted, scopes);
    // A repeated request gets its job also when the dataset is gone or the queue is full by now.
    const found = await jobOfKey(this.#store, key, asked);
    const known = found !== null && isOne(found) ? found : null;
    const request = known?.request ?? (await requestOf(wanted));
    const trainings = this.#running();
    if (known === null) {
      await check(request, trainings);
      await trainings.room();
    }
    const job = known ?? (await createJobOnce(this.#store, key, request, create, { via: 'http', asked }));
    if (isOpen(job)) await trainings.offer(job.id);
    return this.#shown(job);
  }

  /** The newest jobs first. */
  async list(limit: number): Promise<Shown[]> {
    const jobs = (await listJobs(this.#store, limit, this.#type.isOne)).toReversed();
    return pLimit(SHOWN_AT_ONCE).map(await this.#seen(jobs), (one) => this.#type.shown(one));
  }

  /** @throws NotFoundError */
  async show(id: string): Promise<Shown> {
    return this.#shown(await this.#type.read(this.#store, id));
  }

  /** Asks the job to stop. @throws NotFoundError; ConflictError when it has ended */
  async cancel(id: string): Promise<Shown> {
    await this.#type.read(this.#store, id);
    await requestCancel(this.#store, id).catch((error: unknown) => {
      throw error instanceof InvalidInputError ? new ConflictError(error.message, { cause: error }) : error;
    });
    await this.#trainings?.cancelled(id);
    return this.show(id);
  }

  /** Resumes a job that failed or was cancelled; an open one stays as it is. @throws NotFoundError; RequestError */
  async resume(id: string, scopes: Scopes): Promise<Shown> {
    const job = await this.#type.read(this.#store, id);
    this.#type.authorizeResume(job, scopes);
    const trainings = this.#running();
    if (!isOpen(job)) {
      await this.#type.check(job.request, trainings);
      await trainings.room();
    }
    await resumeJob(this.#store, id, 'http');
    await trainings.offer(id);
    return this.show(id);
  }

  async #shown(job: J): Promise<Shown> {
    const [one] = await this.#seen([job]);
    return this.#type.shown(one as Seen<J>);
  }

  /** What runs the jobs may know more about them than the registry. */
  async #seen(jobs: readonly J[]): Promise<readonly Seen<J>[]> {
    if (this.#trainings !== null) return this.#trainings.look(jobs);
    return jobs.map((job) => ({ job, interrupted: isInterrupted(job), waiting: [] }));
  }

  #running(): Trainings {
    if (this.#trainings !== null) return this.#trainings;
    throw new RequestError(
      501,
      'not-offered',
      `This server runs no ${this.#type.plural}. Start them on the command line of a machine that reaches the registry, or on a server that runs them.`,
    );
  }
}
