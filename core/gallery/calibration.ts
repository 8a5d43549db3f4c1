import { z } from 'zod';
import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { type Answer, confidenceSchema, fitConfidence } from './confidence.ts';
import { type Gallery, GALLERY_DISTANCES } from './gallery.ts';
import { leaveOneOut, type LeftOut } from './leave-one-out.ts';
import { type Rule, RULES } from './rules.ts';

export const OPERATING_POINTS = ['strict', 'balanced', 'lenient'] as const;
export type OperatingPoint = (typeof OPERATING_POINTS)[number];

/** Share of pictures of known classes that a point may call unknown. */
export const FALSE_REJECTION_RATES: Readonly<Record<OperatingPoint, number>> = {
  strict: 0.15,
  balanced: 0.05,
  lenient: 0.01,
};

const rate = z.number().min(0).max(1);
const pointSchema = z.object({
  /** A picture is known when its class's distance is at most this. */
  threshold: z.number().nonnegative(),
  targetFalseRejection: rate,
  /** Measured: share of left-out pictures that are farther from their own class than the threshold. */
  falseRejection: rate,
  /** Measured: share of pictures that would be called known if their whole class were missing; null with fewer than two classes. */
  falseAcceptance: rate.nullable(),
});

const calibrationSchema = z.object({
  rule: z.enum(RULES),
  distance: z.enum(GALLERY_DISTANCES),
  /** How many left-out pictures this rests on, and the share of them whose class was found; null with fewer than two classes. */
  pictures: z.int().positive(),
  accuracy: rate.nullable(),
  points: z.object({ strict: pointSchema, balanced: pointSchema, lenient: pointSchema }),
  /** Null with fewer than two classes. */
  confidence: confidenceSchema.nullable(),
});

/** What a gallery's own pictures tell of how far its classes reach and how sure its answers are. Plain JSON. */
export type Calibration = z.infer<typeof calibrationSchema>;

export interface CalibrationOptions {
  /** @default 'nearest' */
  readonly rule?: Rule;
  /** @default FALSE_REJECTION_RATES */
  readonly falseRejection?: Partial<Record<OperatingPoint, number>>;
  /** @default 0.1 */
  readonly strangerShare?: number;
  /** What each picture would have been told, where training knows that better than the gallery's own distances do. */
  readonly leftOut?: readonly LeftOut[] | undefined;
}

/**
 * Calibrates the decision on the gallery's own pictures, each left out in turn, with its copies.
 *
 * Thresholds: the distance that a share of 1 - rate of the left-out pictures stay within, as the order statistic ceil((n + 1) (1 - rate)) of n
 * (conformal prediction: Vovk, Gammerman and Shafer, 2005), which for few pictures is the largest distance seen.
 * Confidence: see {@link fitConfidence}; the strangers are the pictures again, each asked for with its whole class left out.
 *
 * An embedder that knows its training pictures better than others makes thresholds from them tighter than the rates say; `leftOut` is for those.
 * @returns null when no class has two different pictures: then nothing can be said
 * @throws InvalidInputError on rates outside 0..1
 */
export function calibrate(gallery: Gallery, options: CalibrationOptions = {}): Calibration | null {
  const { rule = 'nearest', strangerShare = 0.1 } = options;
  const rates = { ...FALSE_REJECTION_RATES, ...options.falseRejection };
  for (const value of Object.values(rates)) checkShare(value, 'A false-rejection rate', 1);
  checkShare(strangerShare, 'The share of strangers', 0.9);
  if (gallery.keys.length === 0) return null;

  const leftOut = options.leftOut ?? leaveOneOut(gallery, rule);
  const own = leftOut.flatMap((one) => (one.own === null ? [] : [one.own])).sort((a, b) => a - b);
  if (own.length === 0) return null;
  const points = {
    strict: operatingPoint(own, leftOut, rates.strict),
    balanced: operatingPoint(own, leftOut, rates.balanced),
    lenient: operatingPoint(own, leftOut, rates.lenient),
  };
  const answers = leftOut.flatMap(toAnswer);
  return {
    rule,
    distance: gallery.distance,
    pictures: own.length,
    accuracy: answers.length === 0 ? null : share(answers, (answer) => answer.right),
    points,
    confidence: fitConfidence(answers, leftOut.flatMap(toStranger), points.balanced.threshold, strangerShare),
  };
}

/**
 * A calibration as it was stored, or null where none was possible.
 * @param what the file's name, for messages
 * @throws CorruptDataError
 */
export function parseCalibration(stored: unknown, what: string): Calibration | null {
  const parsed = calibrationSchema.nullable().safeParse(stored);
  if (parsed.success) return parsed.data;
  throw new CorruptDataError(`${what} holds no valid calibration: ${z.prettifyError(parsed.error)}`, {
    cause: parsed.error,
  });
}

function toAnswer({ own, others: [other, second] }: LeftOut): Answer[] {
  if (own === null || other === null) return [];
  if (own < other) return [{ nearest: own, second: other, right: true }];
  return [{ nearest: other, second: second === null ? own : Math.min(own, second), right: false }];
}

/** The same picture if the gallery lacked its class. */
function toStranger({ others: [nearest, second] }: LeftOut): Answer[] {
  return nearest === null || second === null ? [] : [{ nearest, second, right: false }];
}

function operatingPoint(own: readonly number[], leftOut: readonly LeftOut[], targetFalseRejection: number) {
  const position = Math.min(
    own.length,
    Math.max(1, Math.ceil((own.length + 1) * (1 - targetFalseRejection))),
  );
  const threshold = own[position - 1] ?? 0;
  const strangers = leftOut.flatMap(({ others: [nearest] }) => (nearest === null ? [] : [nearest]));
  return {
    threshold,
    targetFalseRejection,
    falseRejection: share(own, (distance) => distance > threshold),
    falseAcceptance: strangers.length === 0 ? null : share(strangers, (distance) => distance <= threshold),
  };
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length;
}

function checkShare(value: number, what: string, most: number): void {
  if (!(value >= 0 && value <= most)) {
    throw new InvalidInputError(`${what} is a number from 0 to ${most}, not ${value}.`);
  }
}
