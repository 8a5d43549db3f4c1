/** From which distance on a picture is called unknown: thresholds from distances of left-out pictures and of strangers. */
import { z } from 'zod';
import { clusteredInterval, wilsonInterval } from '../interval.ts';

export const OPERATING_POINTS = ['strict', 'balanced', 'lenient'] as const;
export type OperatingPoint = (typeof OPERATING_POINTS)[number];

/** What a threshold aims at. */
export interface Target {
  /** Share of pictures of known classes that may be called unknown. */
  readonly falseRejection: number;
  /** Share of strangers that may be called known; where given, it goes before. Null: as many as there are. */
  readonly falseAcceptance: number | null;
}

/** `strict`: few strangers pass, whatever that costs. `balanced`: few known pictures are turned away. `lenient`: next to none are. */
export const TARGETS: Readonly<Record<OperatingPoint, Target>> = {
  strict: { falseRejection: 0.05, falseAcceptance: 0.05 },
  balanced: { falseRejection: 0.05, falseAcceptance: null },
  lenient: { falseRejection: 0.01, falseAcceptance: null },
};

const share = z.number().min(0).max(1);
const interval = z.object({ low: share, high: share });

/** The distances that thresholds come from, each list ascending, to seven digits. */
export const distancesSchema = z.object({
  /** Of left-out pictures of known classes: to the class that they were told. */
  known: z.array(z.number().nonnegative()),
  /** Of pictures whose whole class was left out. */
  strangers: z.array(z.number().nonnegative()),
});
export type KnownAndStrangers = z.infer<typeof distancesSchema>;

/** Fields with a default came later than the first versions that were published. */
export const pointSchema = z.object({
  /** A picture is known when its class's distance is at most this. */
  threshold: z.number().nonnegative(),
  targetFalseRejection: share,
  targetFalseAcceptance: share.nullable().default(null),
  /** Which of the two targets the threshold is at. */
  binds: z.enum(['falseRejection', 'falseAcceptance']).default('falseRejection'),
  /** Measured: share of left-out pictures of known classes that are called unknown, and its 95 % interval (Wilson). */
  falseRejection: share,
  falseRejectionInterval: interval.nullable().default(null),
  /** Measured: share of strangers that are called known, and its 95 % interval, of classes that are drawn; null where there were none. */
  falseAcceptance: share.nullable(),
  falseAcceptanceInterval: interval.nullable().default(null),
});
type Point = z.infer<typeof pointSchema>;

/**
 * The threshold for a target, and what it gives on the distances that it comes from. There is at least one known one.
 * @param strangersByClass the strangers' distances again, by the class that each is of
 */
export function pointFor(
  { known, strangers }: KnownAndStrangers,
  target: Target,
  strangersByClass: readonly (readonly number[])[],
): Point {
  const byRejection = thresholdByRejection(known, target.falseRejection);
  const byAcceptance =
    target.falseAcceptance === null || strangers.length === 0
      ? Infinity
      : thresholdByAcceptance(strangers, target.falseAcceptance);
  const threshold = Math.min(byRejection, byAcceptance);
  const rejected = known.filter((distance) => distance > threshold).length;
  const accepted = within(strangers, threshold);
  const measured = strangers.length > 0;
  const clusters = strangersByClass.map((distances) => ({
    hits: within(distances, threshold),
    total: distances.length,
  }));
  return {
    threshold,
    targetFalseRejection: target.falseRejection,
    targetFalseAcceptance: target.falseAcceptance,
    binds: byAcceptance < byRejection ? 'falseAcceptance' : 'falseRejection',
    falseRejection: rejected / known.length,
    falseRejectionInterval: wilsonInterval(rejected, known.length),
    falseAcceptance: measured ? accepted / strangers.length : null,
    falseAcceptanceInterval: measured ? clusteredInterval(clusters) : null,
  };
}

const within = (distances: readonly number[], threshold: number): number =>
  distances.filter((distance) => distance <= threshold).length;

/**
 * The distance that all but a share `rate` of known pictures stay within: the order statistic ceil((n + 1) (1 - rate)) of n, which new
 * pictures of the same kind keep on average (conformal prediction: Vovk, Gammerman and Shafer, 2005). With fewer than 1 / rate - 1 pictures it
 * is the largest distance seen, which a share of 1 / (n + 1) is beyond.
 * @param known ascending
 */
export function thresholdByRejection(known: readonly number[], rate: number): number {
  const position = Math.ceil((known.length + 1) * (1 - rate));
  return known[Math.min(known.length, Math.max(1, position)) - 1] ?? 0;
}

/**
 * The largest distance that at most a share `rate` of strangers are within: just below the order statistic floor((n + 1) rate) of n, by the
 * same reasoning. With fewer than 1 / rate - 1 strangers it is just below the smallest distance seen, which a share of 1 / (n + 1) is within.
 * @param strangers ascending
 */
export function thresholdByAcceptance(strangers: readonly number[], rate: number): number {
  const position = Math.floor((strangers.length + 1) * rate);
  if (position > strangers.length) return Infinity;
  const first = strangers[Math.max(1, position) - 1] ?? 0;
  return first * (1 - JUST_BELOW);
}

const JUST_BELOW = 1e-6;

/** The least rate that so many pictures can vouch for. */
export function leastRate(pictures: number): number {
  return 1 / (pictures + 1);
}
