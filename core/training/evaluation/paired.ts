import { InvalidInputError } from '../../errors.ts';
import { type Interval, wilsonInterval } from './accuracy.ts';

/** Two ways of answering, compared on the same queries. Plain JSON. */
export interface PairedComparison {
  /** How many queries both answered. */
  readonly images: number;
  /** Queries that only the first answered right, and those that only the second did; all others tell nothing of which is better. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** The first one's accuracy minus the second one's, -1..1. */
  readonly difference: number;
  /** The 95 % interval of the difference (Newcombe). */
  readonly interval: Interval;
  /** The two-sided p-value that both are equally good (McNemar's exact test). */
  readonly p: number;
}

/** How many queries both answered right, only the first, only the second, and neither. */
interface Counts {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/**
 * Compares two lists of right (true) and wrong answers, where row i of both is about the same query.
 * @throws InvalidInputError when the lists are empty or of different lengths
 */
export function comparePaired(first: readonly boolean[], second: readonly boolean[]): PairedComparison {
  if (first.length !== second.length || first.length === 0) {
    throw new InvalidInputError(
      `A paired comparison needs two answers to each of the same queries; got ${first.length} and ${second.length}.`,
    );
  }
  const count = (a: boolean, b: boolean): number =>
    first.filter((right, i) => right === a && second[i] === b).length;
  const onlyFirst = count(true, false);
  const onlySecond = count(false, true);
  const images = first.length;
  return {
    images,
    onlyFirst,
    onlySecond,
    difference: (onlyFirst - onlySecond) / images,
    interval: newcombeInterval({
      both: count(true, true),
      onlyFirst,
      onlySecond,
      neither: count(false, false),
    }),
    p: exactMcNemar(onlyFirst, onlySecond),
  };
}

/**
 * The 95 % interval of the difference of two shares of the same queries: their Wilson intervals, put together by square and add with the
 * shares' correlation (Newcombe, 1998, "Improved confidence intervals for the difference between binomial proportions based on paired
 * data", method 10). It has a width also when both always agree.
 */
export function newcombeInterval(counts: Counts): Interval {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const total = both + onlyFirst + onlySecond + neither;
  const [first, second] = [reach(both + onlyFirst, total), reach(both + onlySecond, total)];
  const difference = (onlyFirst - onlySecond) / total;
  const phi = correlation(counts, total);
  const together = (a: number, b: number): number => Math.sqrt(a * a - 2 * phi * a * b + b * b);
  return {
    low: Math.max(-1, difference - together(first.below, second.above)),
    high: Math.min(1, difference + together(first.above, second.below)),
  };
}

/** How far the Wilson interval of a share goes below and above it. */
function reach(right: number, total: number): { below: number; above: number } {
  const { low, high } = wilsonInterval(right, total);
  return { below: right / total - low, above: high - right / total };
}

/** The correlation of the two, a positive one corrected for continuity; 0 where one is always right or always wrong. */
function correlation({ both, onlyFirst, onlySecond, neither }: Counts, total: number): number {
  const spread = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  if (spread === 0) return 0;
  const agreement = both * neither - onlyFirst * onlySecond;
  return (agreement > 0 ? Math.max(0, agreement - total / 2) : agreement) / Math.sqrt(spread);
}

/**
 * The probability that of a + b fair coins at most min(a, b) fall on the rarer side, twice (McNemar's test with the binomial
 * distribution in place of its approximation); 1 at most, and where there is no coin.
 */
export function exactMcNemar(a: number, b: number): number {
  const coins = a + b;
  let [term, tail] = [-coins * Math.LN2, 0];
  for (let k = 0; k <= Math.min(a, b); k++) {
    tail += Math.exp(term);
    term += Math.log((coins - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
