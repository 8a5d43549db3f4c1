import { z } from 'zod';
import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { type Answer, confidenceSchema, fitConfidence } from './confidence.ts';
import { type Gallery, GALLERY_DISTANCES } from './gallery.ts';
import { leaveOneOut, type LeftOut } from './leave-one-out.ts';
import {
  distancesSchema,
  pointFor,
  pointSchema,
  type Target,
  TARGETS,
  thresholdByAcceptance,
  thresholdByRejection,
} from './operating-points.ts';
import { type Rule, RULES } from './rules.ts';

export { OPERATING_POINTS, type OperatingPoint } from './operating-points.ts';

const rate = z.number().min(0).max(1);

const calibrationSchema = z.object({
  rule: z.enum(RULES),
  distance: z.enum(GALLERY_DISTANCES),
  /** How many left-out pictures this rests on, and the share of them whose class was found; null with fewer than two classes. */
  pictures: z.int().positive(),
  accuracy: rate.nullable(),
  points: z.object({ strict: pointSchema, balanced: pointSchema, lenient: pointSchema }),
  /** Null with fewer than two classes. */
  confidence: confidenceSchema.nullable(),
  /** Whether two pictures are of one class; null where nothing is known of such pairs. */
  pairs: z
    .object({ strict: pointSchema, balanced: pointSchema, lenient: pointSchema })
    .nullable()
    .default(null),
  /** What any other threshold can be taken from; null in versions that were published before these were kept. */
  distances: distancesSchema.nullable().default(null),
});

/** What a gallery's own pictures tell of how far its classes reach and how sure its answers are. Plain JSON. */
export type Calibration = z.infer<typeof calibrationSchema>;

/** Rates that somebody wants in place of the usual ones. */
export interface Rates {
  /** Share of pictures of known classes that `balanced` may call unknown; `lenient` calls as many or fewer. @default 0.05 */
  readonly falseRejection?: number | undefined;
  /** Share of strangers that `strict` may call known. @default 0.05 */
  readonly falseAcceptance?: number | undefined;
}

/** Squared distances of two pictures, neither of which training has seen. */
export interface PairDistances {
  /** Of one class. */
  readonly same: number[];
  readonly different: number[];
}

export interface CalibrationOptions extends Rates {
  /** @default 'nearest' */
  readonly rule?: Rule;
  /** @default 0.1 */
  readonly strangerShare?: number;
  /** What each picture would have been told, where training knows that better than the gallery's own distances do. */
  readonly leftOut?: readonly LeftOut[] | undefined;
  readonly pairs?: PairDistances | undefined;
}

/**
 * Calibrates the decision on the gallery's own pictures, each left out in turn, with its copies.
 *
 * Thresholds: see {@link pointFor}. Known pictures count by the distance of what they would be told, right or wrong; strangers are the same
 * pictures, each asked for with its whole class left out. Confidence: see {@link fitConfidence}.
 *
 * An embedder that knows its training pictures better than others makes thresholds from them tighter than the rates say; `leftOut` is for those.
 * @returns null when no class has two different pictures: then nothing can be said
 * @throws InvalidInputError on rates outside 0..1
 */
export function calibrate(gallery: Gallery, options: CalibrationOptions = {}): Calibration | null {
  const { rule = 'nearest', strangerShare = 0.1 } = options;
  const targets = targetsOf(options);
  checkShare(strangerShare, 'The share of strangers', 0.9);
  if (gallery.keys.length === 0) return null;

  const leftOut = options.leftOut ?? leaveOneOut(gallery, rule);
  const known = leftOut.flatMap(({ own, others: [other] }) =>
    own === null ? [] : [Math.min(own, other ?? own)],
  );
  if (known.length === 0) return null;
  const strangers = leftOut.flatMap(toStranger);
  const distances = { known: ascending(known), strangers: ascending(leftOut.flatMap(strangerDistance)) };
  const byClass = strangersByClass(leftOut, gallery.classes);
  const points = {
    strict: pointFor(distances, targets.strict, byClass),
    balanced: pointFor(distances, targets.balanced, byClass),
    lenient: pointFor(distances, targets.lenient, byClass),
  };
  const answers = leftOut.flatMap(toAnswer);
  return {
    rule,
    distance: gallery.distance,
    pictures: known.length,
    accuracy: answers.length === 0 ? null : answers.filter(({ right }) => right).length / answers.length,
    points,
    confidence: fitConfidence(answers, strangers, points.balanced.threshold, strangerShare),
    pairs: options.pairs ? pointsOfPairs(options.pairs, targets) : null,
    distances,
  };
}

/** Two pictures of one class are the known ones, two of different classes the strangers. Pairs share pictures: there are no intervals. */
function pointsOfPairs({ same, different }: PairDistances, targets: typeof TARGETS): Calibration['pairs'] {
  if (same.length === 0) return null;
  const distances = { known: ascending(same), strangers: ascending(different) };
  const pointOf = (target: Target) => ({
    ...pointFor(distances, target, []),
    falseRejectionInterval: null,
    falseAcceptanceInterval: null,
  });
  return {
    strict: pointOf(targets.strict),
    balanced: pointOf(targets.balanced),
    lenient: pointOf(targets.lenient),
  };
}

/** A point that is stricter never turns away fewer. @throws InvalidInputError on rates outside 0..1 */
function targetsOf({ falseRejection, falseAcceptance }: Rates): typeof TARGETS {
  const rejection = falseRejection ?? TARGETS.balanced.falseRejection;
  const acceptance = falseAcceptance ?? TARGETS.strict.falseAcceptance;
  checkShare(rejection, 'A false-rejection rate', 1);
  if (acceptance !== null) checkShare(acceptance, 'A false-acceptance rate', 1);
  return {
    strict: { falseRejection: rejection, falseAcceptance: acceptance },
    balanced: { falseRejection: rejection, falseAcceptance: null },
    lenient: { falseRejection: Math.min(rejection, TARGETS.lenient.falseRejection), falseAcceptance: null },
  };
}

/**
 * The threshold for one rate, in place of an operating point's.
 * @throws InvalidInputError on a rate outside 0..1, on both at once, or when the version holds nothing to take it from
 */
export function thresholdFor(
  calibration: Calibration | null,
  { falseRejection, falseAcceptance }: Rates,
): number {
  if (falseRejection !== undefined && falseAcceptance !== undefined) {
    throw new InvalidInputError(
      'A threshold follows from a false-rejection rate or from a false-acceptance rate, not from both.',
    );
  }
  const { known, strangers } = calibration?.distances ?? { known: [], strangers: [] };
  if (known.length === 0) {
    throw new InvalidInputError(
      `No rate can be chosen: this version keeps no distances to take a threshold from. Give a threshold, or train it again with two pictures or more of a class.`,
    );
  }
  if (falseRejection !== undefined) {
    checkShare(falseRejection, 'A false-rejection rate', 1);
    return thresholdByRejection(known, falseRejection);
  }
  const acceptance = falseAcceptance ?? Number.NaN;
  checkShare(acceptance, 'A false-acceptance rate', 1);
  if (strangers.length === 0) {
    throw new InvalidInputError(
      'No false-acceptance rate can be chosen: with a single class nothing is known of what strangers look like. Choose a false-rejection rate.',
    );
  }
  return Math.min(thresholdByAcceptance(strangers, acceptance), known.at(-1) ?? 0);
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
function toStranger({ others, stranger }: LeftOut): Answer[] {
  const [nearest, second] = stranger ?? others;
  return nearest === null || second === null ? [] : [{ nearest, second, right: false }];
}

function strangerDistance({ others, stranger }: LeftOut): number[] {
  const [nearest] = stranger ?? others;
  return nearest === null ? [] : [nearest];
}

/** Each class's strangers, to the same digits as {@link distancesSchema} says. */
function strangersByClass(leftOut: readonly LeftOut[], classes: readonly string[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const one of leftOut) {
    const name = classes[one.row] ?? '';
    groups.set(name, [...(groups.get(name) ?? []), ...strangerDistance(one)]);
  }
  return [...groups.values()].map(ascending).filter((distances) => distances.length > 0);
}

function ascending(distances: readonly number[]): number[] {
  return distances.map((distance) => Number(distance.toPrecision(DIGITS))).sort((a, b) => a - b);
}

/** As many as a float32 has. */
const DIGITS = 7;

function checkShare(value: number, what: string, most: number): void {
  if (!(value >= 0 && value <= most)) {
    throw new InvalidInputError(`${what} is a number from 0 to ${most}, not ${value}.`);
  }
}
