/** Where a training loop is, and what of it a checkpoint holds. */
import { Random } from '../random.ts';
import type { Best, CheckpointState, Checkpoints, EpochRecord } from './checkpoint.ts';

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
}

/** Before the first batch. */
export function freshState(random: Random): LoopState {
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
  };
}

/** As it was saved, with the generator where the epoch's batches were drawn: they have to be drawn again. */
export function restoredState(saved: CheckpointState, best: Best | null): LoopState {
  const { epoch, batch, lossSum, activeSum, weightSum, randomAtEpoch, curve } = saved;
  const random = Random.restore(randomAtEpoch);
  return { random, epoch, batch, lossSum, activeSum, weightSum, randomAtEpoch, best, curve: [...curve] };
}

/** What {@link restoredState} makes a state from. */
export function checkpointOf(state: LoopState): Parameters<Checkpoints['save']>[0] {
  const { random, epoch, batch, lossSum, activeSum, weightSum, randomAtEpoch, curve } = state;
  return { epoch, batch, lossSum, activeSum, weightSum, randomAtEpoch, random: random.save(), curve };
}
