/** Where a training loop is, and what of it a checkpoint holds. */
import { Random } from '../random.ts';
import type { Best, CheckpointState, Checkpoints, EpochRecord } from './checkpoint.ts';
import { WATCHFUL } from './collapse.ts';
import type { GuardState } from './collapse.ts';

export interface LoopState {
  random: Random;
  /** Epochs finished, batches of the next one done, and their sums so far. */
  epoch: number;
  batch: number;
  lossSum: number;
  activeSum: number;
  weightSum: number;
  /** The generator's state before the current epoch's batches were drawn. */
  randomAtEpoch: number[];
  best: Best | null;
  curve: EpochRecord[];
  guard: GuardState;
  /** How the first attempt collapsed; null: this is the first. */
  collapse: string | null;
}

/** Before the first batch. @param collapse of the attempt before, if there was one */
export function freshState(random: Random, collapse: string | null = null): LoopState {
  return {
    random,
    epoch: 0,
    batch: 0,
    lossSum: 0,
    activeSum: 0,
    weightSum: 0,
    randomAtEpoch: random.save(),
    best: null,
    curve: [],
    guard: WATCHFUL,
    collapse,
  };
}

/** As it was saved, with the generator where the epoch's batches were drawn: they have to be drawn again. */
export function restoredState(saved: CheckpointState, best: Best | null): LoopState {
  const { epoch, batch, lossSum, activeSum, weightSum, randomAtEpoch, curve, guard, collapse } = saved;
  const random = Random.restore(randomAtEpoch);
  const position = { epoch, batch, lossSum, activeSum, weightSum, randomAtEpoch };
  return { ...position, random, best, curve: [...curve], guard, collapse };
}

/** What {@link restoredState} makes a state from. */
export function checkpointOf({
  best: _best,
  random,
  ...state
}: LoopState): Parameters<Checkpoints['save']>[0] {
  return { ...state, random: random.save() };
}
