import { type Calibration, OPERATING_POINTS, type OperatingPoint } from '../../gallery/calibration.ts';
import { InvalidInputError } from '../../errors.ts';
import { clusteredInterval, type Interval, wilsonInterval } from '../../interval.ts';

/** What a picture of a known class was told. */
export interface KnownAnswer {
  readonly distance: number;
  readonly right: boolean;
}

/** How near a picture of no class is to the gallery, and what it is a picture of: those of one kind count as drawn together. */
export interface Stranger {
  readonly distance: number;
  readonly class: string;
}

/** What a threshold gives on these pictures, beside what it aims at. */
export interface MeasuredPoint {
  readonly threshold: number;
  readonly targetFalseRejection: number;
  readonly targetFalseAcceptance: number | null;
  /** Which of the two targets the threshold is at. */
  readonly binds: 'falseRejection' | 'falseAcceptance';
  /** Share of known pictures that are called unknown, and its 95 % interval (Wilson). */
  readonly falseRejection: number;
  readonly falseRejectionInterval: Interval;
  /** Share of unknown pictures that are called known, and its 95 % interval, of kinds that are drawn. */
  readonly falseAcceptance: number;
  readonly falseAcceptanceInterval: Interval;
  /** Share of the wrong answers to known pictures that are called unknown, and so do no harm; null where none was wrong. */
  readonly wrongRejected: number | null;
}

/** How well the distance tells pictures of the gallery's classes from pictures of none of them. */
export interface UnknownEvaluation {
  /** How many pictures of no class were asked for. */
  readonly images: number;
  /** The probability that a random unknown picture is farther than a random known one. */
  readonly auroc: number;
  /** Share of unknown pictures called known by the threshold that 95 % of the known ones pass. */
  readonly falseAcceptanceAt95: number;
  /** How well both is done at once: right answers kept, unknown pictures not; see {@link oscr}. */
  readonly oscr: number;
  /** At each operating point; null without a calibration. */
  readonly points: Readonly<Record<OperatingPoint, MeasuredPoint>> | null;
}

/**
 * Compares the answers to pictures of known classes with those to pictures of no class.
 * @throws InvalidInputError when either is empty
 */
export function evaluateUnknown(
  known: readonly KnownAnswer[],
  strangers: readonly Stranger[],
  calibration: Calibration | null,
): UnknownEvaluation {
  const distances = known.map(({ distance }) => distance);
  const unknown = strangers.map(({ distance }) => distance);
  const at = (point: OperatingPoint, { points }: Calibration) =>
    measurePoint(points[point], known, strangers);
  const [strict, balanced, lenient] = OPERATING_POINTS;
  return {
    images: unknown.length,
    auroc: auroc(distances, unknown),
    falseAcceptanceAt95: shareWithin(unknown, quantile(distances, 0.95)),
    oscr: oscr(known, unknown),
    points: calibration && {
      strict: at(strict, calibration),
      balanced: at(balanced, calibration),
      lenient: at(lenient, calibration),
    },
  };
}

function measurePoint(
  point: Calibration['points'][OperatingPoint],
  known: readonly KnownAnswer[],
  strangers: readonly Stranger[],
): MeasuredPoint {
  const { threshold, targetFalseRejection, targetFalseAcceptance, binds } = point;
  const rejected = known.filter(({ distance }) => distance > threshold);
  const clusters = new Map<string, { hits: number; total: number }>();
  for (const stranger of strangers) {
    const { hits, total } = clusters.get(stranger.class) ?? { hits: 0, total: 0 };
    clusters.set(stranger.class, { hits: hits + (stranger.distance <= threshold ? 1 : 0), total: total + 1 });
  }
  const wrong = known.filter(({ right }) => !right).length;
  return {
    threshold,
    targetFalseRejection,
    targetFalseAcceptance,
    binds,
    falseRejection: rejected.length / known.length,
    falseRejectionInterval: wilsonInterval(rejected.length, known.length),
    falseAcceptance: shareWithin(
      strangers.map(({ distance }) => distance),
      threshold,
    ),
    falseAcceptanceInterval: clusteredInterval([...clusters.values()]),
    wrongRejected: wrong === 0 ? null : rejected.filter(({ right }) => !right).length / wrong,
  };
}

/** The smallest of the values that a share of them is at most. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const shareWithin = (distances: readonly number[], threshold: number): number =>
  distances.filter((distance) => distance <= threshold).length / distances.length;

/**
 * The area under the curve of the share of known pictures that are answered rightly and called known, over the share of unknown pictures that
 * are called known, as the threshold grows (open-set classification rate: Dhamija, Guenther and Boult, 2018). It is the accuracy at best,
 * and equals the probability that a random known picture is answered rightly and lies nearer than a random unknown one, ties counting half.
 */
export function oscr(known: readonly KnownAnswer[], unknown: readonly number[]): number {
  const right = known.filter((answer) => answer.right).map(({ distance }) => distance);
  return right.length === 0 ? 0 : (auroc(right, unknown) * right.length) / known.length;
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
