import type { Job } from '../core/jobs/job.ts';
import { isInterrupted } from '../core/jobs/owner.ts';

/** The job's state for people: "interrupted" is a running one whose process is gone. */
export function shownState(job: Job): Job['state'] | 'interrupted' {
  return isInterrupted(job) ? 'interrupted' : job.state;
}
