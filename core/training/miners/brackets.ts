import type { MinerInput } from './miner.ts';

/** For each positive, the negatives right before and right after it in order of distance from the anchor; -1 where there is none. */
export interface Brackets {
  /** The farthest negative that is at most as far as the positive; of several, the lowest row. */
  readonly below: Int32Array;
  /** The nearest negative that is farther than the positive; of several, the lowest row. */
  readonly above: Int32Array;
}

/**
 * Brackets each of `positives` between the rows of `negatives`, both ascending, as seen from `anchor`.
 *
 * The m positives cut the line of distances into m + 1 gaps. Each negative falls into one gap (binary search),
 * of which only the first and the last negative matter: O((m + negatives) log m) instead of sorting all negatives.
 */
export function bracket(
  { size, values, sign }: MinerInput,
  anchor: number,
  positives: Int32Array,
  negatives: Int32Array,
): Brackets {
  const m = positives.length;
  const offset = anchor * size;
  const distanceTo = (row: number): number => sign * (values[offset + row] as number);
  const cuts = Float32Array.from(positives, distanceTo).sort();
  const first = new Int32Array(m + 1).fill(-1);
  const last = new Int32Array(m + 1).fill(-1);

  for (const negative of negatives) {
    const distance = distanceTo(negative);
    const gap = lowerBound(cuts, distance);
    if (first[gap] === -1 || distance < distanceTo(first[gap] as number)) first[gap] = negative;
    if (last[gap] === -1 || distance > distanceTo(last[gap] as number)) last[gap] = negative;
  }
  for (let gap = 1; gap <= m; gap++) if (last[gap] === -1) last[gap] = last[gap - 1] as number;
  for (let gap = m - 1; gap >= 0; gap--) if (first[gap] === -1) first[gap] = first[gap + 1] as number;

  const gaps = positives.map((positive) => lowerBound(cuts, distanceTo(positive)));
  return {
    below: gaps.map((gap) => last[gap] as number),
    above: gaps.map((gap) => first[gap + 1] as number),
  };
}

/** The first index whose value is not less than `value`. */
function lowerBound(sorted: Float32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
