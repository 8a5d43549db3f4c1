/**
 * A training as a job: taken, worked on until one version is published, given back. Whatever stops it in between, the
 * next attempt goes on from the last checkpoint and ends with the same version.
 */
import { Checkpoints } from '../training/checkpoint.ts';
import { attemptJob } from './attempt.ts';
import type { Resume, TrainingContext, TrainingData } from '../pipeline/context.ts';
import { checkpointPrefix, readTraining } from './job.ts';
import type { TrainingJob } from './job.ts';
import { learn } from '../pipeline/learn.ts';
import { goLive } from '../promotion/go-live.ts';
import { takeJob } from './owner.ts';
import type { Hold } from './owner.ts';
import { identityOf, planTraining } from '../pipeline/plan.ts';
import type { TrainingPlan } from '../pipeline/plan.ts';
import { publishTraining } from '../pipeline/publish.ts';
import { resultOf } from './result.ts';
import type { Outcome, TrainingResult } from './result.ts';
import { inScratch } from '../pipeline/scratch.ts';

/**
 * Works on a job until it has published one version, however often it was interrupted before. A job that has
 * succeeded gives its result again.
 * @throws CancelledError when stopped; a checkpoint is kept
 * @throws DivergedError; the best epoch, if one was measured, is kept for `resume: 'best'`
 * @throws ConflictError when another process works on the job
 */
export async function runTraining(
  job: TrainingJob,
  data: TrainingData,
  context: TrainingContext,
  resume: Resume,
): Promise<TrainingResult> {
  const began = performance.now();
  const plan = await planTraining(job, checkpointPrefix(job.id), data, context, resume);
  const { registry } = context;
  const hold = await takeJob(registry.store, job.id, context);
  const outcome = hold === null ? await outcomeOf(plan) : await attempt(plan, hold);
  // What stays of it does no harm.
  await checkpointsOf(plan)
    .clear()
    .catch(() => undefined);
  return resultOf(registry, job, outcome, (performance.now() - began) / 1000);
}

async function outcomeOf({ job, context }: TrainingPlan): Promise<Outcome> {
  const { result } = await readTraining(context.registry.store, job.id);
  if (result === null) throw new Error(`job ${job.id} has succeeded without a result`);
  const { version, promoted = job.request.promote, gate = null } = result;
  return { version, promoted, gate };
}

/** Works on the job, and notes how that ended. */
async function attempt(plan: TrainingPlan, hold: Hold): Promise<Outcome> {
  const { context, job } = plan;
  return attemptJob(context.registry.store, hold, context, async (watch) => {
    const watched = { ...plan, context: { ...context, report: watch.report, signal: watch.signal } };
    const outcome = await inScratch(context.scratch, (folder) =>
      work({ ...watched, context: { ...watched.context, scratch: folder } }, folder),
    );
    return { outcome, result: { model: job.request.model, ...outcome } };
  });
}

/** Trains, publishes and promotes, as far as attempts before have not. */
async function work(plan: TrainingPlan, folder: string): Promise<Outcome> {
  const { registry } = plan.context;
  const { id, request } = plan.job;
  const version = (await registry.published(request.model, id)) ?? (await make(plan, folder));
  if (!request.promote) return { version, promoted: false, gate: null };
  return { version, ...(await goLive(plan, version)) };
}

async function make(plan: TrainingPlan, folder: string): Promise<number> {
  const learnt = await learn(plan, checkpointsOf(plan), folder);
  return (await publishTraining(plan, learnt, folder)).version;
}

function checkpointsOf(plan: TrainingPlan): Checkpoints {
  const { store } = plan.context.registry;
  const place = { store, prefix: plan.checkpointPrefix, scratch: plan.context.scratch };
  return new Checkpoints(place, identityOf(plan));
}
