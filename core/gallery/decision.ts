import { InvalidInputError } from '../errors.ts';
import {
  type Calibration,
  OPERATING_POINTS,
  type OperatingPoint,
  type Rates,
  thresholdFor,
} from './calibration.ts';
import type { Estimates } from './candidates.ts';
import { confidenceOf } from './confidence.ts';
import { createRanker, type RankedClass, type Rule, RULES } from './rules.ts';
import type { Search } from './search.ts';

/** The answer for one picture, as the `classify` command and the HTTP interface give it. */
export interface Decision {
  /** The nearest class, also when `known` is false. */
  readonly class: string;
  /** The nearest class's distance by the rule. */
  readonly distance: number;
  /** What distances of classes are measured to: only with `nearest` it is the picture that is named. */
  readonly rule: Rule;
  /** Whether the picture resembles its class enough: distance <= threshold. Null when there is no threshold to tell by. */
  readonly known: boolean | null;
  /** P(the class is right), 0..1. Null without a calibration, or with a single class. */
  readonly confidence: number | null;
  /** The runner-up class's distance minus this one's. Null with a single class. */
  readonly margin: number | null;
  readonly threshold: number | null;
  /** The nearest classes, nearest first, each with its picture that is nearest to the query. */
  readonly neighbours: readonly RankedClass[];
}

/** A rate takes the place of the operating point's threshold; it needs a calibration. */
export interface DecisionOptions extends Rates {
  /** How many classes to name. @default 5 */
  readonly top?: number;
  /** @default the calibration's, else 'nearest' */
  readonly rule?: Rule;
  /** Null for galleries that allow none: then `known` and `confidence` are null, unless a threshold is given. */
  readonly calibration?: Calibration | null;
  /** @default 'balanced' */
  readonly point?: OperatingPoint;
  /** A distance that takes the place of the operating point's threshold. */
  readonly threshold?: number;
}

/**
 * Decides about one embedding.
 * @param estimates of the products of the gallery's rows with it, where there are some; see {@link Search.nearestPerClass}
 */
export type Decider = (query: Float32Array, estimates?: Estimates) => Decision;

/**
 * Prepares the decision for one query embedding after another.
 * @throws InvalidInputError on an empty gallery, on options out of range, or on a calibration made for another rule or distance; the returned
 *   function, on a query that is not one embedding of finite numbers
 */
export function createDecider(search: Search, options: DecisionOptions = {}): Decider {
  const { top = 5, calibration = null, point = 'balanced' } = options;
  const rule = options.rule ?? calibration?.rule ?? 'nearest';
  checkOptions(search, { ...options, top, calibration, point, rule });
  const threshold = thresholdOf({ ...options, calibration, point });
  const confidence = calibration?.confidence ?? null;
  const rank = createRanker(search, rule);

  return (query, estimates) => {
    // The runner-up is needed for the margin.
    const classes = rank(query, Math.max(top, 2), estimates);
    const [best, second] = classes;
    if (best === undefined) throw new InvalidInputError('The gallery is empty.');
    return {
      class: best.class,
      distance: best.distance,
      rule,
      known: threshold === null ? null : best.distance <= threshold,
      confidence:
        confidence === null || second === undefined
          ? null
          : confidenceOf(confidence, best.distance, second.distance),
      margin: second === undefined ? null : second.distance - best.distance,
      threshold,
      neighbours: classes.slice(0, top),
    };
  };
}

/** The decision for one query; see {@link createDecider}. */
export function decide(query: Float32Array, search: Search, options: DecisionOptions = {}): Decision {
  return createDecider(search, options)(query);
}

function thresholdOf({
  threshold,
  calibration,
  point,
  ...rates
}: DecisionOptions & Required<Pick<DecisionOptions, 'calibration' | 'point'>>): number | null {
  if (threshold !== undefined) return threshold;
  if (rates.falseRejection === undefined && rates.falseAcceptance === undefined) {
    return calibration?.points[point].threshold ?? null;
  }
  return thresholdFor(calibration, rates);
}

function checkOptions(
  { gallery }: Search,
  options: DecisionOptions & {
    top: number;
    rule: Rule;
    point: OperatingPoint;
    calibration: Calibration | null;
  },
): void {
  const { top, rule, point, threshold, calibration } = options;
  if (gallery.keys.length === 0) {
    throw new InvalidInputError(
      'The gallery is empty: nothing can be recognised until pictures are added to it.',
    );
  }
  if (!Number.isInteger(top) || top < 1) {
    throw new InvalidInputError(`top is a whole number of at least 1, not ${top}.`);
  }
  if (!RULES.includes(rule))
    throw new InvalidInputError(`The rule is ${oneOf(RULES)}, not ${JSON.stringify(rule)}.`);
  if (!OPERATING_POINTS.includes(point)) {
    throw new InvalidInputError(
      `The operating point is ${oneOf(OPERATING_POINTS)}, not ${JSON.stringify(point)}.`,
    );
  }
  if (threshold !== undefined && !(threshold >= 0 && threshold < Infinity)) {
    throw new InvalidInputError(`A threshold is a distance of at least 0, not ${threshold}.`);
  }
  if (calibration !== null && (calibration.rule !== rule || calibration.distance !== gallery.distance)) {
    throw new InvalidInputError(
      `The calibration is for rule ${calibration.rule} and ${calibration.distance} distances, not for rule ${rule} and ${gallery.distance} distances; calibrate again.`,
    );
  }
}

function oneOf(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
