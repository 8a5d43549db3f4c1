/** The training loop: draw batches, step, watch, validate, checkpoint. It reads from top to bottom. */
import { CancelledError, ConflictError, DivergedError, NotFoundError } from '../errors.ts';
import { Random } from '../random.ts';
import type { Adam } from './adam.ts';
import type { Batch } from './batches.ts';
import type { CheckpointState, Checkpoints, EpochRecord } from './checkpoint.ts';
import { checkpointOf, freshState, restoredState } from './loop-state.ts';
import type { LoopState } from './loop-state.ts';
import type { Report } from './progress.ts';
import { trainStep } from './step.ts';
import type { Learner } from './step.ts';

export interface Validation {
  readonly loss: number | null;
  readonly accuracy: number | null;
  /** What is best: higher is better. Null where nothing was measured. */
  readonly score: number | null;
}

/** Nothing to measure on. */
export const NOT_MEASURED: Validation = { loss: null, accuracy: null, score: null };

export interface LoopPlan {
  readonly learner: Learner;
  readonly optimizer: Adam;
  readonly epochs: number;
  /** Drawn at the start of every epoch. */
  batches(random: Random): Batch[];
  /** Measured before the first epoch and after every one. */
  validate(): Validation;
  /** Whether the weights of the best epoch are the result, or those of the last. */
  readonly keepBest: boolean;
  /** How much better than the untrained network's score an epoch's must be to be the best. @default 0 */
  readonly handicap?: number;
  /** Enough is enough: asked after each epoch. */
  stopEarly?(curve: readonly EpochRecord[]): boolean;
}

export interface LoopContext {
  readonly random: Random;
  readonly checkpoints: Checkpoints;
  /** Go on from the checkpoint, if there is one. `best`: stop there and take the best epoch so far. */
  readonly resume: 'no' | 'continue' | 'best';
  /** Seconds between checkpoints. */
  readonly checkpointSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly report: Report;
}

/** Above this many times the first batch's loss (plus one, for a first loss of zero) a training counts as diverged. */
const DIVERGENCE_FACTOR = 1000;

export interface LoopResult {
  readonly curve: EpochRecord[];
  /** The epoch whose weights the network has now; 0: it is untrained. */
  readonly epoch: number;
}

/**
 * Trains in place. Afterwards the network has the weights of the best epoch (the untrained one counts as epoch 0)
 * where the plan scores them, else those of the last.
 * @throws CancelledError after a checkpoint was written, when the signal says so
 * @throws DivergedError when the loss is no number or runs away; the best weights so far stay in the checkpoint
 */
export async function trainLoop(plan: LoopPlan, context: LoopContext): Promise<LoopResult> {
  const resumeFrom = await checkpointToResume(context);
  const state = await startState(plan, context, resumeFrom);
  if (context.resume === 'best') return takeBest(plan, context, state);
  const saver = saverOf(plan, context, state);
  while (state.epoch < plan.epochs && !plan.stopEarly?.(state.curve)) {
    const started = Date.now();
    const batches = plan.batches(state.random);
    // The draw is repeated on resuming; from here on the generator is where the stopped run had it.
    if (resumeFrom !== null && state.epoch === resumeFrom.epoch) {
      state.random = Random.restore(resumeFrom.random);
    }
    while (state.batch < batches.length) {
      if (context.signal?.aborted) throw await stopped(context.signal, state, batches.length, saver);
      runBatch(plan, context, state, batches);
      await saver.saveWhenDue();
      // Lets signals and timers in: TensorFlow's work blocks this thread.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await finishEpoch(plan, context, state, (Date.now() - started) / 1000);
  }
  if (plan.keepBest && state.best !== null) {
    await context.checkpoints.restoreBest(state.best, plan.learner.network.parameters);
    return { curve: state.curve, epoch: state.best.epoch };
  }
  return { curve: state.curve, epoch: state.epoch };
}

/** The checkpoint to go on from, or null; says so when there is one that is not this training's. */
async function checkpointToResume({
  resume,
  checkpoints,
  report,
}: LoopContext): Promise<CheckpointState | null> {
  if (resume === 'no') return null;
  const found = await checkpoints.load();
  if (found === null && (await checkpoints.isOfAnother())) {
    const instead = resume === 'continue' ? ': the training begins anew' : '';
    report({
      phase: 'note',
      text: `The pictures or options have changed since the checkpoint was written, so it cannot be used${instead}.`,
    });
  }
  return found;
}

interface Saver {
  save(): Promise<void>;
  /** Saves when the last time is long enough ago. */
  saveWhenDue(): Promise<void>;
}

function saverOf(plan: LoopPlan, context: LoopContext, state: LoopState): Saver {
  let last = Date.now();
  const save = async (): Promise<void> => {
    await context.checkpoints.save(checkpointOf(state), plan.learner.network.parameters, plan.optimizer);
    last = Date.now();
  };
  return {
    save,
    saveWhenDue: async () => {
      if (Date.now() - last > context.checkpointSeconds * 1000) await save();
    },
  };
}

/** The error to stop with; a checkpoint is written before, unless somebody took the training over and writes them now. */
async function stopped(
  { reason }: AbortSignal,
  { epoch, batch }: LoopState,
  batches: number,
  saver: Saver,
): Promise<CancelledError | ConflictError> {
  if (reason instanceof ConflictError) return reason;
  await saver.save();
  return new CancelledError(
    `Stopped in epoch ${epoch + 1}, batch ${batch} of ${batches}; a checkpoint is kept.`,
  );
}

async function takeBest(
  plan: LoopPlan,
  context: LoopContext,
  { best, curve }: LoopState,
): Promise<LoopResult> {
  if (best === null) {
    throw new NotFoundError(
      'This training keeps no best epoch: none was measured before it stopped. Resume it without asking for the best, or start again.',
    );
  }
  await context.checkpoints.restoreBest(best, plan.learner.network.parameters);
  return { curve: curve.filter(({ epoch }) => epoch <= best.epoch), epoch: best.epoch };
}

async function startState(
  plan: LoopPlan,
  context: LoopContext,
  resumeFrom: CheckpointState | null,
): Promise<LoopState> {
  if (resumeFrom !== null) {
    await context.checkpoints.restore(resumeFrom, plan.learner.network.parameters, plan.optimizer);
    return restoredState(resumeFrom, await context.checkpoints.loadBest());
  }
  const state = freshState(context.random);
  if (context.resume === 'best') state.best = await context.checkpoints.loadBest();
  if (context.resume === 'best') return state;
  const score = finite(plan.validate().score);
  if (score !== null)
    state.best = await context.checkpoints.saveBest(0, score, plan.learner.network.parameters);
  return state;
}

function runBatch(plan: LoopPlan, context: LoopContext, state: LoopState, batches: readonly Batch[]): void {
  const { loss, active, weight } = trainStep(
    plan.learner,
    plan.optimizer,
    batches[state.batch] as Batch,
    state.random,
  );
  checkLoss(loss, state, batches.length);
  state.lossSum += loss * weight;
  state.activeSum += active * weight;
  state.weightSum += weight;
  context.report({
    phase: 'training',
    epoch: state.epoch + 1,
    epochs: plan.epochs,
    batch: state.batch + 1,
    batches: batches.length,
    loss: state.lossSum / state.weightSum,
    active: state.activeSum / state.weightSum,
  });
  state.batch++;
}

/** A score that is no number is none: nothing may be better than it. */
function finite(score: number | null): number | null {
  return score !== null && Number.isFinite(score) ? score : null;
}

function checkLoss(loss: number, state: LoopState, batches: number): void {
  const first = state.curve[0]?.loss ?? (state.weightSum > 0 ? state.lossSum / state.weightSum : loss);
  if (Number.isFinite(loss) && loss <= DIVERGENCE_FACTOR * (first + 1)) return;
  const kept =
    state.best === null
      ? 'No epoch was finished before.'
      : `The weights of epoch ${state.best.epoch} were the best and are kept in the checkpoint.`;
  throw new DivergedError(
    `The loss became ${loss} in epoch ${state.epoch + 1}, batch ${state.batch + 1} of ${batches} (it began at ${first.toFixed(4)}). Try a smaller --learning-rate. ${kept}`,
  );
}

async function finishEpoch(
  plan: LoopPlan,
  context: LoopContext,
  state: LoopState,
  seconds: number,
): Promise<void> {
  const validation = plan.validate();
  const record: EpochRecord = {
    epoch: state.epoch + 1,
    loss: state.lossSum / Math.max(1, state.weightSum),
    active: state.activeSum / Math.max(1, state.weightSum),
    validationLoss: validation.loss,
    validationAccuracy: validation.accuracy,
    seconds,
  };
  state.curve.push(record);
  context.report({ phase: 'epoch', epochs: plan.epochs, ...record });
  Object.assign(state, { epoch: state.epoch + 1, batch: 0, lossSum: 0, activeSum: 0, weightSum: 0 });
  state.randomAtEpoch = state.random.save();
  const score = finite(validation.score);
  const handicap = state.best?.epoch === 0 ? (plan.handicap ?? 0) : 0;
  if (score !== null && score > (state.best?.score ?? -Infinity) + handicap) {
    state.best = await context.checkpoints.saveBest(state.epoch, score, plan.learner.network.parameters);
  }
}
