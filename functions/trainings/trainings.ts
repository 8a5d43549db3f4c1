import type { TrainingRequest } from '../../core/jobs/job.ts';

/** What sees to jobs; where they run is its own affair. */
export interface Trainings {
  /** @throws InvalidInputError when there is no such recipe, or it has no such options; RequestError (busy) */
  check(request: TrainingRequest): Promise<void>;
  /** A new job is to be run. @throws RequestError (busy) when too many wait; asked before the job is made */
  room(): Promise<void>;
  offer(job: string): void;
  /** Somebody asked the job to stop, and that is noted in it. */
  cancelled(job: string): Promise<void>;
  /** Stops what runs here, so that it can be gone on with. */
  close(): Promise<void>;
}
