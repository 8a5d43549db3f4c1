/** Which jobs of AWS Batch a job of the registry becomes, one after the other. */
import type { Job } from '../../../core/jobs/job.ts';

export interface Step {
  /** What Batch calls it; nobody else's is called so. */
  readonly name: string;
  /** For the job definition's command. */
  readonly parameters: Readonly<Record<string, string>>;
  /** So many containers at once, each with its index; undefined: one container. */
  readonly size?: number;
}

/**
 * A training is one job. An import is listed by one, embedded by an array of them, and published by one that begins when all of these have
 * succeeded. An array has at least two: a single part is a plain job.
 */
export function stepsOf(job: Job): readonly Step[] {
  const { id, resumed = 0 } = job;
  // Batch knows what was submitted before it was gone on with for some days, under its own names.
  const last = resumed === 0 ? `kindred-${id}` : `kindred-${id}-again-${resumed}`;
  if (job.kind === undefined) return [{ name: last, parameters: { job: id } }];
  const { parts } = job.request;
  const step = (name: string, what: string): Step => ({ name, parameters: { job: id, step: what } });
  return [
    step(`${last}-plan`, 'plan'),
    { ...step(`${last}-parts`, 'embed'), ...(parts > 1 && { size: parts }) },
    step(last, 'publish'),
  ];
}
