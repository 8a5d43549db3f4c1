/** The training loop: draw batches, step, watch, validate, checkpoint. It reads from top to bottom. */
import { CancelledError, CollapsedError, ConflictError, DivergedError, NotFoundError } from '../errors.ts';
import { Random } from '../random.ts';
import type { Batch } from './batches.ts';
import type { CheckpointState, EpochRecord } from './checkpoint.ts';
import { GENTLER_RATE, describeCollapse, hasCollapsed, watch } from './collapse.ts';
import { checkpointOf, freshState, restoredState } from './loop-state.ts';
import type { LoopState } from './loop-state.ts';
import type { AfterCollapse, LoopContext, LoopPlan, LoopResult } from './loop-plan.ts';
import { trainStep } from './step.ts';

export { NOT_MEASURED } from './loop-plan.ts';
export type { LoopContext, LoopPlan, LoopResult, Validation } from './loop-plan.ts';

/** Above this many times the first batch's loss (plus one, for a first loss of zero) a training counts as diverged. */
const DIVERGENCE_FACTOR = 1000;

/**
 * Trains in place. Afterwards the network has the weights of the best epoch (the untrained one counts as epoch 0)
 * where the plan scores them, else those of the last. A training that collapses begins again, once, more gently.
 * @throws CancelledError after a checkpoint was written, when the signal says so
 * @throws DivergedError when the loss is no number or runs away; the best weights so far stay in the checkpoint
 * @throws CollapsedError when the second attempt collapses too, and no epoch was scored
 */
export async function trainLoop(plan: LoopPlan, context: LoopContext): Promise<LoopResult> {
  const resumeFrom = await checkpointToResume(context);
  const state = await startState(plan, context, resumeFrom);
  if (context.resume === 'best') return takeBest(plan, context, state);
  const saver = saverOf(plan, context, state);
  let collapse = await attempt(plan, context, state, saver, resumeFrom);
  if (collapse !== null && state.collapse === null && plan.afterCollapse) {
    await beginAgain(plan, context, state, saver, collapse);
    collapse = await attempt(plan, context, state, saver, null);
  }
  if (collapse !== null) tellCollapsed(plan, context, state, collapse);
  if (plan.keepBest && state.best !== null) {
    await context.checkpoints.restoreBest(state.best, plan.learner.network.parameters);
    return { curve: state.curve, epoch: state.best.epoch, collapse: state.collapse };
  }
  return { curve: state.curve, epoch: state.epoch, collapse: state.collapse };
}

/** Trains on from the state. @returns how it collapsed; null: it came to its end */
async function attempt(
  plan: LoopPlan,
  context: LoopContext,
  state: LoopState,
  saver: Saver,
  resumeFrom: CheckpointState | null,
): Promise<string | null> {
  while (state.epoch < plan.epochs && !plan.stopEarly?.(state.curve, state.best)) {
    const started = Date.now();
    const batches = plan.batches(state.random);
    // The draw is repeated on resuming; from here on the generator is where the stopped run had it.
    if (resumeFrom !== null && state.epoch === resumeFrom.epoch && resumeFrom.batch > 0) {
      state.random = Random.restore(resumeFrom.random);
    }
    while (state.batch < batches.length) {
      if (context.signal?.aborted) throw await stopped(context.signal, state, batches.length, saver);
      const collapse = runBatch(plan, context, state, batches);
      if (collapse !== null) return collapse;
      await saver.saveWhenDue();
      // Lets signals and timers in: TensorFlow's work blocks this thread.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await finishEpoch(plan, context, state, (Date.now() - started) / 1000);
  }
  return null;
}

/** The second attempt: from the starting weights, with other triplets and smaller steps. Nothing of the first counts. */
async function beginAgain(
  plan: LoopPlan,
  context: LoopContext,
  state: LoopState,
  saver: Saver,
  collapse: string,
): Promise<void> {
  const { miner, restart } = plan.afterCollapse as AfterCollapse;
  const others = miner === undefined ? '' : `${miner.name} triplets and `;
  const text = `The training has collapsed: ${collapse}. It begins again with ${others}a tenth of the learning rate.`;
  context.report({ phase: 'note', text });
  restart();
  plan.optimizer.reset();
  Object.assign(state, freshState(state.random, collapse));
  await scoreUntrained(plan, context, state);
  // From here on a resumed training is in its second attempt; killed before, it collapses again.
  await saver.save();
}

function tellCollapsed(plan: LoopPlan, { report }: LoopContext, state: LoopState, collapse: string): void {
  const again = state.collapse === null ? '' : ' again';
  if (plan.keepBest && state.best !== null) {
    const kept =
      state.best.epoch === 0 ? 'The untrained weights are taken' : `Epoch ${state.best.epoch} is taken`;
    report({ phase: 'note', text: `The training has collapsed${again}: ${collapse}. ${kept}.` });
    return;
  }
  throw new CollapsedError(
    `The training has collapsed${again}: ${collapse}. Try a smaller --learning-rate or an easier --miner, look for wrong labels, or train ` +
      `with the recipe metric, which answers also where training does not help.`,
  );
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
  { best, curve, collapse }: LoopState,
): Promise<LoopResult> {
  if (best === null) {
    throw new NotFoundError(
      'This training keeps no best epoch: none was measured before it stopped. Resume it without asking for the best, or start again.',
    );
  }
  await context.checkpoints.restoreBest(best, plan.learner.network.parameters);
  return { curve: curve.filter(({ epoch }) => epoch <= best.epoch), epoch: best.epoch, collapse };
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
  await scoreUntrained(plan, context, state);
  return state;
}

async function scoreUntrained(plan: LoopPlan, { checkpoints }: LoopContext, state: LoopState): Promise<void> {
  const score = finite(plan.validate().score);
  if (score !== null) state.best = await checkpoints.saveBest(0, score, plan.learner.network.parameters);
}

/** @returns how the training has collapsed, if it has */
function runBatch(
  plan: LoopPlan,
  context: LoopContext,
  state: LoopState,
  batches: readonly Batch[],
): string | null {
  const isGentle = state.collapse !== null;
  const miner = isGentle ? plan.afterCollapse?.miner : undefined;
  const learner = miner === undefined ? plan.learner : { ...plan.learner, mine: miner.mine };
  const batch = batches[state.batch] as Batch;
  const seen = trainStep(learner, plan.optimizer, batch, state.random, isGentle ? GENTLER_RATE : 1);
  const { loss, active, weight } = seen;
  checkLoss(loss, state, batches.length);
  state.guard = watch(state.guard, seen);
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
  if (!hasCollapsed(state.guard)) return null;
  return `in epoch ${state.epoch + 1}, ${describeCollapse(state.guard, seen)}`;
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
