import type { Job } from '../../core/jobs/job.ts';

/** What sees to jobs, trainings and imports; where they run is its own affair. */
export interface Trainings {
  /** @throws RequestError (not offered) when there is nothing that could run imports */
  checkImport(): Promise<void>;
  /** A new job is to be run. @throws RequestError (busy) when too many wait; asked before the job is made */
  room(): Promise<void>;
  /** Has the job run, once however often it is offered; when this has ended, it is in hand also if this process ends. */
  offer(job: string): Promise<void>;
  /** What is known where the jobs run; which ended there without a word, as ended. In the order of the jobs. */
  look<J extends Job>(jobs: readonly J[]): Promise<readonly Seen<J>[]>;
  /** Somebody asked the job to stop, and that is noted in it. */
  cancelled(job: string): Promise<void>;
  /** Stops what runs here, so that it can be gone on with. */
  close(): Promise<void>;
}

/** A job, and what keeps it from being worked on, if it is open and something does. */
export interface Seen<J extends Job = Job> {
  readonly job: J;
  /** Whether the process that is said to work on it is gone. */
  readonly interrupted: boolean;
  readonly waiting: readonly Obstacle[];
}

/** Why a job has not begun, or has not gone on. */
export const OBSTACLES = {
  'its-turn': 'others are before it',
  starting: 'a machine or a container is being started',
  'no-capacity': 'there is no such machine to be had at the moment',
  'no-quota': 'the account may not start such a machine',
  'not-offered': 'the region has no such machine',
  'too-large': 'it asks for more than any machine there has',
  disabled: 'what runs trainings was switched off',
  'wrong-role': 'a role lacks rights, or is not there',
  misconfigured: 'what runs trainings is set up wrongly',
  'not-submitted': 'it has not come to what runs trainings',
  unknown: 'nobody says why',
} as const;

export interface Obstacle {
  readonly code: keyof typeof OBSTACLES;
  /** What is in the way, and what to do about it. */
  readonly message: string;
}
