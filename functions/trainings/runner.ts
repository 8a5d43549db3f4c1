/**
 * Jobs in processes of their own on this machine, so many at once. What was under way when a server ended, in whatever way, is gone on
 * with by the next one: the registry knows which jobs are a server's, and whether somebody works on them.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isOpen, kindOf, listJobs, now, readJob, updateJob } from '../../core/jobs/job.ts';
import type { Job, JobKind } from '../../core/jobs/job.ts';
import { isInterrupted, isOwnerAlive } from '../../core/jobs/owner.ts';
import { lastWords } from '../../core/jobs/plain-text.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import { busy } from '../errors.ts';
import { readSubmission } from './batch/submission-document.ts';
import type { Obstacle, Seen, Trainings } from './trainings.ts';

export interface RunnerOptions {
  readonly store: ObjectStore;
  /** The command that works on a job until it has ended. */
  readonly command: (job: string, kind: JobKind) => readonly [program: string, ...args: string[]];
  /** @default 1 */
  readonly atOnce?: number;
  /** Jobs that may wait. @default 100 */
  readonly waiting?: number;
  /** Milliseconds between two looks for jobs that nobody works on any more. @default 30 000 */
  readonly lookMs?: number;
  /** Milliseconds that a job gets to keep what it has when the server ends. @default 20 000 */
  readonly stopMs?: number;
  readonly trouble: (error: unknown) => void;
}

/** Looks for jobs that nobody works on, of which one reads those that had ended, too. */
const LOOKS_AT_ENDED = 20;
/** How often a job whose process was killed is begun again before it counts as failed. */
const TRIES = 3;
/** Of what a process said last, for the error of a job that it could not note itself. */
const TAIL = 2000;

export class TrainingRunner implements Trainings {
  readonly #options: Required<RunnerOptions>;
  readonly #waiting = new Set<string>();
  /** Null: about to be started. */
  readonly #running = new Map<string, ChildProcess | null>();
  readonly #ends = new Set<Promise<void>>();
  readonly #cancelled = new Set<string>();
  readonly #tries = new Map<string, number>();
  /** Jobs that had ended when they were looked at last: what is gone on with by another server is rare. */
  readonly #ended = new Set<string>();
  #looks = 0;
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  constructor(options: RunnerOptions) {
    this.#options = { atOnce: 1, waiting: 100, lookMs: 30_000, stopMs: 20_000, ...options };
    this.#timer = setInterval(() => void this.#takeOn(), this.#options.lookMs);
    this.#timer.unref();
    void this.#takeOn();
  }

  /** They need nothing but this machine. */
  async checkImport(): Promise<void> {}

  async room(): Promise<void> {
    const { waiting } = this.#options;
    if (this.#waiting.size >= waiting)
      throw busy(`${waiting} jobs wait already. Cancel some, or try again later.`);
  }

  async offer(id: string): Promise<void> {
    if ((await readJob(this.#options.store, id)).state !== 'queued') return;
    this.#tries.delete(id);
    this.#ended.delete(id);
    this.#put(id);
  }

  async look<J extends Job>(jobs: readonly J[]): Promise<readonly Seen<J>[]> {
    const waiting = [...this.#waiting];
    return jobs.map((job) => {
      const before = waiting.indexOf(job.id);
      return {
        job,
        interrupted: isInterrupted(job),
        waiting: before < 0 ? [] : [itsTurn(before + this.#running.size)],
      };
    });
  }

  async cancelled(id: string): Promise<void> {
    this.#waiting.delete(id);
    const child = this.#running.get(id);
    if (!child) return;
    const { state } = await readJob(this.#options.store, id);
    // It has not begun to work on the job yet, and would not see that it should not.
    if (state !== 'running') {
      this.#cancelled.add(id);
      child.kill('SIGKILL');
    }
  }

  /** Takes on the jobs of servers that nobody works on; AWS Batch has those that were submitted to it. */
  async #takeOn(): Promise<void> {
    const { store } = this.#options;
    try {
      if (this.#looks++ % LOOKS_AT_ENDED === 0) this.#ended.clear();
      for (const job of await listJobs(store, undefined, undefined, this.#ended)) {
        if (!isOpen(job)) this.#ended.add(job.id);
        if (job.via !== 'http' || !isFree(job) || this.#running.has(job.id)) continue;
        if ((await readSubmission(store, job)) === null) this.#put(job.id);
      }
    } catch (error) {
      this.#options.trouble(error);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#running].map(([id, child]) => this.#stop(id, child)));
    await Promise.all(this.#ends);
  }

  #put(job: string): void {
    this.#waiting.add(job);
    this.#next();
  }

  #next(): void {
    while (!this.#closing && this.#running.size < this.#options.atOnce) {
      // One that was ended and is to be gone on with waits for the end of its process.
      const first = [...this.#waiting].find((id) => !this.#running.has(id));
      if (first === undefined) return;
      this.#waiting.delete(first);
      this.#start(first);
    }
  }

  #start(id: string): void {
    this.#running.set(id, null);
    const end = this.#work(id)
      .catch((error: unknown) => this.#options.trouble(error))
      .finally(() => {
        this.#ends.delete(end);
        this.#running.delete(id);
        this.#next();
      });
    this.#ends.add(end);
  }

  async #work(id: string): Promise<void> {
    const { store, command } = this.#options;
    // It may have been cancelled, or taken by somebody else, while it waited.
    const begun = await readJob(store, id);
    if (!isFree(begun) || this.#closing) return;
    const [program, ...args] = command(id, kindOf(begun));
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#running.set(id, child);
    let tail = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-TAIL)));
    const signal = await this.#endOf(child);
    const wasCancelled = this.#cancelled.delete(id);
    const job = await readJob(store, id);
    if (job.resumed !== begun.resumed || isPutBack(job, begun)) {
      // It had ended, and somebody wants it gone on with: what this process came to is of no account. Or something stopped the process that
      // stops this server too, or is about to.
      if (isFree(job)) this.#waiting.add(id);
    } else if (wasCancelled || job.cancelRequested) await endJob(store, begun, 'cancelled', null);
    else if (!this.#closing && isFree(job)) await this.#again(begun, signal, tail);
  }

  /** @returns what it was killed by, if it was */
  #endOf(child: ChildProcess): Promise<NodeJS.Signals | null> {
    return new Promise((resolve) => {
      child.on('error', (error) => {
        this.#options.trouble(error);
        resolve(null);
      });
      child.on('close', (_, killedBy) => resolve(killedBy));
    });
  }

  /** The process ended and has not said how. */
  async #again(job: Job, signal: NodeJS.Signals | null, tail: string): Promise<void> {
    const { id } = job;
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    if (signal !== null && tries < TRIES) {
      this.#waiting.add(id);
      return;
    }
    // Where in the program it was is for the log alone.
    if (tail !== '') this.#options.trouble(new Error(`The process of job ${id} said last:\n${tail}`));
    const why = signal === null ? lastWords(tail) : `its process was killed (${signal}) ${tries} times`;
    await endJob(this.#options.store, job, 'failed', why === '' ? 'its process ended without a word' : why);
  }

  async #stop(id: string, child: ChildProcess | null): Promise<void> {
    if (child === null) return;
    const { store, stopMs } = this.#options;
    const { cancelRequested } = await readJob(store, id).catch(() => ({ cancelRequested: false }));
    if (cancelRequested) this.#cancelled.add(id);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    const last = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await ended;
    clearTimeout(last);
  }
}

function itsTurn(before: number): Obstacle {
  return { code: 'its-turn', message: `Before it, or at work: ${before}.` };
}

/** Whether a process had the job, and put it back when it was stopped. */
function isPutBack({ state, attempts }: Job, begun: Job): boolean {
  return state === 'queued' && attempts > begun.attempts;
}

/** Whether there is something to do, and nobody who does it. */
function isFree(job: Job): boolean {
  return isOpen(job) && !isOwnerAlive(job);
}

/** Notes how a job ended whose process could not, unless it was gone on with since. */
async function endJob(
  store: ObjectStore,
  { id, resumed }: Job,
  state: 'cancelled' | 'failed',
  why: string | null,
): Promise<void> {
  await updateJob(store, id, (job) => {
    if (job.resumed !== resumed || (job.state !== 'cancelled' && !isFree(job))) return job;
    const error = why === null ? job.error : { code: 'unexpected', message: why };
    return { ...job, state, owner: null, cancelRequested: false, finishedAt: job.finishedAt ?? now(), error };
  });
}
