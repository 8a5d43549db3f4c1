/** What a training loop is given, and what it gives. */
import type { Random } from '../random.ts';
import type { Adam } from './adam.ts';
import type { Batch } from './batches.ts';
import type { Best, Checkpoints, EpochRecord } from './checkpoint.ts';
import type { Report } from './progress.ts';
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
  /** Enough is enough: asked before each epoch. @param best epoch so far, 0 the untrained network; null: none was scored */
  stopEarly?(curve: readonly EpochRecord[], best: Best | null): boolean;
  /** What a second attempt begins with, and does otherwise than to take a tenth of the learning rate. Absent: there is none. */
  readonly afterCollapse?: AfterCollapse;
}

export interface AfterCollapse {
  /** Puts the starting weights back, always the same ones. */
  readonly restart: () => void;
  /** Another choice of triplets, and its name. */
  readonly miner?: { readonly name: string; readonly mine: NonNullable<Learner['mine']> };
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

export interface LoopResult {
  readonly curve: EpochRecord[];
  /** The epoch whose weights the network has now; 0: it is untrained. */
  readonly epoch: number;
  /** How a first attempt collapsed, if one did; the curve is the second one's. */
  readonly collapse: string | null;
}
