import { type Calibration, OPERATING_POINTS, type OperatingPoint } from '../../gallery/calibration.ts';
import { InvalidInputError } from '../../errors.ts';

/** How well the distance tells pictures of the gallery's classes from pictures of none of them. */
export interface UnknownEvaluation {
  /** How many pictures of no class were asked for. */
  readonly images: number;
  readonly auroc: number;
  /** At each operating point: the share of known pictures called unknown, and of unknown ones called known. Null without a calibration. */
  readonly points: Readonly<
    Record<OperatingPoint, { falseRejection: number; falseAcceptance: number }>
  > | null;
}

/**
 * Compares the answers' distances of pictures of known classes with those of pictures of no class.
 * @throws InvalidInputError when either is empty
 */
export function evaluateUnknown(
  known: readonly number[],
  unknown: readonly number[],
  calibration: Calibration | null,
): UnknownEvaluation {
  const beyond = (distances: readonly number[], threshold: number): number =>
    distances.filter((distance) => distance > threshold).length / distances.length;
  const rates = (point: OperatingPoint) => {
    const threshold = calibration?.points[point].threshold ?? 0;
    return { falseRejection: beyond(known, threshold), falseAcceptance: 1 - beyond(unknown, threshold) };
  };
  const [strict, balanced, lenient] = OPERATING_POINTS.map(rates);
  const points =
    calibration === null || !strict || !balanced || !lenient ? null : { strict, balanced, lenient };
  return { images: unknown.length, auroc: auroc(known, unknown), points };
}

/**
 * The area under the receiver operating characteristic: the probability that a random unknown picture is farther than a random known one,
 * ties counting half (Mann and Whitney's U over the number of pairs).
 * @throws InvalidInputError when either list is empty
 */
export function auroc(known: readonly number[], unknown: readonly number[]): number {
  if (known.length === 0 || unknown.length === 0) {
    throw new InvalidInputError(
      `AUROC compares known with unknown pictures; got ${known.length} known and ${unknown.length} unknown.`,
    );
  }
  const sorted = [...known].sort((a, b) => a - b);
  const pairs = unknown.reduce(
    (sum, distance) => sum + (countBelow(sorted, distance, false) + countBelow(sorted, distance, true)) / 2,
    0,
  );
  return pairs / (known.length * unknown.length);
}

/** How many of the sorted values are smaller than `value`, or also equal to it. */
function countBelow(sorted: readonly number[], value: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = sorted[middle] ?? 0;
    if (at < value || (orEqual && at === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
