/** Whether a version may go live in place of another one. */
import { z } from 'zod';
import { percent, points, probability } from '../format.ts';
import type { Comparison } from './compare.ts';

const count = z.int().min(0);
export const gateSchema = z.strictObject({
  /**
   * `passed`: not worse; `worse`: see {@link judgeGate}; `not-compared`: there was nothing to compare on; `blocked`: the version cannot embed
   * images of the gallery that the version before answers with.
   */
  outcome: z.enum(['passed', 'worse', 'not-compared', 'blocked']),
  /** Whether it was to be promoted whatever comes out. */
  forced: z.boolean(),
  /** The version in its place until now. */
  against: count,
  /** The outcome in words, as it stands in the alias' history. */
  reason: z.string(),
  comparison: z
    .strictObject({
      images: count,
      /** Left out, because one of the versions was trained on them, or they cannot be read. */
      leftOut: z.strictObject({ trained: count, unreadable: count }),
      accuracy: z.number(),
      accuracyBefore: z.number(),
      difference: z.number(),
      interval: z.strictObject({ low: z.number(), high: z.number() }),
      p: z.number(),
    })
    .nullable(),
});
export type Gate = Readonly<z.infer<typeof gateSchema>>;

/** The loss of accuracy up to which a version may go live, unless the loss is beyond chance. */
export const TOLERANCE = 0.05;
/** One picture more or less says nothing, however few there are. */
const FEWEST_PICTURES = 2;

/**
 * A version is worse when it has fewer pictures right than the one before (two at least), and either the 95 % interval of the difference
 * lies below 0, or the accuracy falls by more than the tolerance. The interval alone would let much pass: with 25 pictures a loss of 20
 * points may be chance. The tolerance alone would let small losses pass that many pictures prove.
 * @param comparison of the new version with the one before
 * @param tolerance share of the pictures, 0..1
 */
export function judgeGate(comparison: Comparison, tolerance: number, forced: boolean): Gate {
  const { first, second, paired, images, leftOut } = comparison;
  const against = second.version;
  if (paired === null || first.accuracy === null || second.accuracy === null) {
    return notCompared(against, forced, whyNone(leftOut));
  }
  const { difference, interval, p } = paired;
  const fewer = paired.onlySecond - paired.onlyFirst;
  const isWorse = fewer >= FEWEST_PICTURES && (interval.high < 0 || fewer > tolerance * images + 1e-9);
  const numbers =
    `${percent(first.accuracy)} of ${images} pictures right, version ${against} ${percent(second.accuracy)} ` +
    `(difference ${points(difference)} points, 95 % interval ${points(interval.low)} to ${points(interval.high)}, ` +
    `exact McNemar ${probability(p)})`;
  return {
    outcome: isWorse ? 'worse' : 'passed',
    forced,
    against,
    reason: `${isWorse ? (forced ? 'forced though worse' : 'worse') : 'not worse'}: ${numbers}`,
    comparison: {
      images,
      leftOut,
      accuracy: first.accuracy,
      accuracyBefore: second.accuracy,
      difference,
      interval,
      p,
    },
  };
}

/** Nothing speaks for the version before, so nothing holds the new one up. */
export function notCompared(against: number, forced: boolean, why: string): Gate {
  return {
    outcome: 'not-compared',
    forced,
    against,
    reason: `not compared with version ${against}: ${why}`,
    comparison: null,
  };
}

/** Images of the gallery would be missing in its answers. */
export function blocked(against: number, why: string): Gate {
  return { outcome: 'blocked', forced: false, against, reason: why, comparison: null };
}

function whyNone({ trained, unreadable }: Comparison['leftOut']): string {
  if (trained + unreadable === 0) return 'there is no picture to compare on';
  const gone = unreadable === 0 ? '' : `, and ${unreadable} cannot be read`;
  return `no picture is left to compare on; of ${trained + unreadable}, one of the two was trained on ${trained}${gone}`;
}
