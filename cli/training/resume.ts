import { ConflictError, NotFoundError } from '../../core/errors.ts';
import type { TrainingJob } from '../../core/jobs/job.ts';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../usage.ts';

/** What was given on the command line; whatever was not, the job decides. */
export type Wanted = Partial<TrainingRequest>;

/** The job of that id. @throws NotFoundError; UsageError when it was asked for something else than is wanted now */
export async function jobToResume(context: Context, id: string, wanted: Wanted): Promise<TrainingJob> {
  const { readTraining } = await import('../../core/jobs/job.ts');
  const job = await readTraining((await context.registry()).store, id);
  const differing = differences(job.request, wanted);
  if (differing.length === 0) return job;
  throw new UsageError(
    `Job ${id} was started with another ${differing.join(', ')}. Leave the flags away to go on with it, or leave ` +
      `--resume away to start a new training.`,
  );
}

/** The newest job that fits what is wanted and that nobody works on, or null. @throws ConflictError when somebody does */
export async function newestJob(context: Context, wanted: Wanted): Promise<TrainingJob | null> {
  const { isOwnerAlive } = await import('../../core/jobs/owner.ts');
  const jobs = await trainings(context);
  const fitting = jobs.filter(({ request }) => differences(request, wanted).length === 0);
  const job = fitting.at(-1);
  if (job === undefined) return null;
  if (job.state === 'running' && isOwnerAlive(job, context.place)) {
    throw new ConflictError(
      `Job ${job.id} is being worked on. Wait for it, or stop it: kindred jobs cancel ${job.id}`,
    );
  }
  return job;
}

/** The newest job that did not succeed. @throws NotFoundError */
export async function unfinishedJob(context: Context): Promise<TrainingJob> {
  const job = (await trainings(context)).findLast(({ state }) => state !== 'succeeded');
  if (job !== undefined) return job;
  throw new NotFoundError(
    `There is no unfinished training in ${JSON.stringify(context.registryUri)}. "kindred jobs list" shows all.`,
  );
}

async function trainings(context: Context): Promise<TrainingJob[]> {
  const { listJobs } = await import('../../core/jobs/job.ts');
  const jobs = await listJobs((await context.registry()).store);
  return jobs.flatMap((job) => (job.kind === undefined ? [job] : []));
}

/** In which fields a job's request is not what is wanted; of the options only those that were given count. */
function differences(request: TrainingRequest, { options = {}, ...fields }: Wanted): string[] {
  const differing = Object.entries(fields).filter(
    ([name, value]) => !isSame(request[name as keyof TrainingRequest], value),
  );
  const others = Object.entries(options).filter(([name, value]) => !isSame(request.options[name], value));
  return [...differing, ...others].map(([name]) => name);
}

/** Plain values and lists of them; a list of one is its only value, for both are typed alike. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify([a].flat()) === JSON.stringify([b].flat());
}
