/** Choosing, on training pictures that are asked for as if they were new, how to whiten and by which rule to decide. */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import type { PairDistances } from '../gallery/calibration.ts';
import type { LeftOut } from '../gallery/leave-one-out.ts';
import type { Rule } from '../gallery/rules.ts';
import { type CrossFitOptions, type CrossFitted, crossFit } from './cross-fit.ts';

/** A way that was tried: what it told right of the pictures asked for, and of these when some classes were added later. */
export interface TriedDecision {
  readonly shrinkage: number;
  readonly rule: Rule;
  /** Null when no picture could be asked for. */
  readonly accuracy: number | null;
  /** Null when there are no classes to add. */
  readonly accuracyWithAdded: number | null;
  /** Whether it is the one that was taken. */
  readonly taken: boolean;
}

/** The way that is taken. */
export interface DecisionChoice {
  readonly shrinkage: number;
  readonly rule: Rule;
  /** What the pictures asked for were told. */
  readonly leftOut: readonly LeftOut[];
  readonly pairs: PairDistances;
  readonly tried: readonly TriedDecision[];
}

/**
 * A gallery answers for the classes that it was trained with, and for those that are added to it: the mean of both accuracies counts. The
 * rule with the highest is taken, the first of equals; another shrinkage than the first only when it is clearly better, for on a few
 * pictures one of several is always a little better by chance.
 * @param features (n,d) @param folds rows that are asked for together
 * @param options rules and shrinkages in the order of preference; `caution`: by how much / sqrt(rows asked) another shrinkage must be better
 */
export async function chooseDecision(
  features: Tensor2D,
  labels: Int32Array,
  folds: readonly Int32Array[],
  options: CrossFitOptions & { readonly caution: number },
): Promise<DecisionChoice> {
  const fitted = await crossFit(features, labels, folds, options);
  const asked = fitted[0]?.leftOut.length ?? 0;
  const handicap = options.caution / Math.sqrt(Math.max(1, asked));
  const best = options.shrinkages
    .map((shrinkage) => bestOf(fitted.filter((way) => way.shrinkage === shrinkage)))
    .reduce((first, other) => (scoreOf(other) > scoreOf(first) + handicap ? other : first));
  return {
    shrinkage: best.shrinkage,
    rule: best.rule,
    leftOut: best.leftOut,
    pairs: best.pairs,
    tried: fitted.map((way) => ({
      shrinkage: way.shrinkage,
      rule: way.rule,
      accuracy: orNull(way.accuracy),
      accuracyWithAdded: orNull(way.accuracyWithAdded),
      taken: way === best,
    })),
  };
}

const bestOf = (ways: readonly CrossFitted[]): CrossFitted =>
  ways.reduce((first, other) => (scoreOf(other) > scoreOf(first) ? other : first));

/** The mean of what is known; 0 when nothing is. */
function scoreOf({ accuracy, accuracyWithAdded }: CrossFitted): number {
  const known = [accuracy, accuracyWithAdded].filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
}

const orNull = (share: number): number | null => (Number.isNaN(share) ? null : share);
