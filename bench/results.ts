/** What one process of either side prints as its last line on stdout. */
export type HeadKind = 'flatten' | 'pooled';

export interface StepResult {
  readonly versions: Readonly<Record<string, string>>;
  /** How the peer ran it, where it has more ways than one ("eager", "folded", ...). */
  readonly way?: string;
  readonly trainableWeights: number;
  /** Seconds of each timed step. */
  readonly seconds: readonly number[];
  /** Loss of each step, the warm-up included, before its update. */
  readonly losses: readonly number[];
  /** Peak resident memory of the process. */
  readonly peakBytes: number;
}

export interface EpochResult {
  readonly versions: Readonly<Record<string, string>>;
  readonly pictures: number;
  readonly trainableWeights: number;
  readonly triplets: number;
  readonly steps: number;
  /** Mean over the epoch's triplets. */
  readonly loss: number;
  readonly loadSeconds: number;
  readonly miningSeconds: number;
  readonly epochSeconds: number;
  readonly peakBytes: number;
}

/** The middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1];
  const high = sorted[Math.floor(middle)];
  if (low === undefined || high === undefined) throw new RangeError('median of no values');
  return (low + high) / 2;
}
