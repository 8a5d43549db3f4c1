import type { HeadKind, StepResult, EpochResult } from './results.ts';

/** Training steps of the seed's network from cached conv5_block1_out maps; the same work as peers/step_torch.py. */
export interface StepWork {
  /** Backbone weights, safetensors with Keras' names ("conv5_block2_1_conv/kernel"). */
  readonly weights: string;
  /** Cached maps, row-major [pictures, 7, 7, 2048]. */
  readonly features: Float32Array;
  /** Step s takes batch s modulo their number: rows of `features`, and triplets as positions within those rows. */
  readonly batches: readonly StepBatch[];
  readonly head: HeadKind;
  readonly margin: number;
  readonly learningRate: number;
  /** Steps not timed, before those that are. */
  readonly warmup: number;
  readonly steps: number;
}

export interface StepBatch {
  readonly rows: readonly number[];
  /** [anchor, positive, negative]; the loss is the sum over them of max(d(A,P) - d(A,N) + margin, 0). */
  readonly triplets: readonly (readonly [number, number, number])[];
}

/** The seed's whole procedure on a folder, nothing cached before; the same work as peers/seed_keras.py. */
export interface EpochWork {
  readonly weights: string;
  /** A folder with `<class>/<file>`. */
  readonly data: string;
  /** Pictures are `size` x `size`. */
  readonly size: number;
  readonly batch: number;
  readonly margin: number;
  readonly learningRate: number;
}

/**
 * Kindred's side of the comparison. Each function runs in a process of its own, so that its peak memory is its own.
 * The head starts from the hashed kernels of peers/common.py (seeds 1, 2, 3), so that losses can be compared too.
 */
export interface KindredSide {
  /** `seconds` has `steps` entries, `losses` one for each step including the warm-up. A step ends when its loss is known. */
  trainSteps(work: StepWork): Promise<Omit<StepResult, 'peakBytes'>>;
  /**
   * `miningSeconds`: from decoding to triplets, all frozen features included; `epochSeconds`: one epoch over all
   * triplets; `loadSeconds`: from the start of the process to a built network with its weights.
   */
  mineAndTrain(work: EpochWork): Promise<Omit<EpochResult, 'peakBytes'>>;
}
