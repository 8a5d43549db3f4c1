import { z } from 'zod';
import { fitLogistic, type Observation, sigmoid } from './logistic.ts';

/** P(class right) = sigmoid(intercept + margin * (d2 - d1) / (d1 + d2) + ratio * d1 / scale), d1 and d2 the two nearest classes' distances. */
export const confidenceSchema = z.object({
  intercept: z.number(),
  margin: z.number().nonnegative(),
  ratio: z.number().nonpositive(),
  /** The distance at which `ratio` counts once: the balanced threshold. */
  scale: z.number().positive(),
  /** The share of queries of classes that the gallery lacks which the probability assumes. */
  strangerShare: z.number().min(0).max(0.9),
});
export type Confidence = z.infer<typeof confidenceSchema>;

/** The distances of the nearest and the second nearest class of a picture, and whether the nearest is its own. */
export interface Answer {
  readonly nearest: number;
  readonly second: number;
  readonly right: boolean;
}

/** P(the answered class is right), 0..1. */
export function confidenceOf(confidence: Confidence, nearest: number, second: number): number {
  const [margin, ratio] = features(nearest, second, confidence.scale);
  return sigmoid(confidence.intercept + confidence.margin * margin + confidence.ratio * ratio);
}

/**
 * Logistic regression with Platt's smoothed targets (Platt, 1999, "Probabilistic outputs for support vector machines") on the relative
 * margin and the relative distance. The answers for strangers are always wrong and together count as `strangerShare` of all, so that the
 * probability falls for pictures that resemble nothing, also where all other answers were right.
 * @param threshold a typical distance, see `scale`
 */
export function fitConfidence(
  answers: readonly Answer[],
  strangers: readonly Answer[],
  threshold: number,
  strangerShare: number,
): Confidence | null {
  if (answers.length === 0) return null;
  const scale = threshold > 0 ? threshold : 1;
  const actualShare = strangers.length === 0 ? 0 : strangerShare;
  const weight = ((actualShare / (1 - actualShare)) * answers.length) / Math.max(1, strangers.length);
  const right = answers.filter((answer) => answer.right).length;
  const wrong = answers.length - right + weight * strangers.length;
  const observe = (answer: Answer, times: number): Observation => ({
    features: features(answer.nearest, answer.second, scale),
    target: answer.right ? (right + 1) / (right + 2) : 1 / (wrong + 2),
    weight: times,
  });
  const observations = [
    ...answers.map((answer) => observe(answer, 1)),
    ...(weight === 0 ? [] : strangers.map((stranger) => observe(stranger, weight))),
  ];
  return { ...fitMonotone(observations), scale, strangerShare: actualShare };
}

/** More margin must not lower the probability, nor more distance raise it: a feature whose slope says otherwise, by chance, is left out. */
function fitMonotone(
  observations: readonly Observation[],
): Pick<Confidence, 'intercept' | 'margin' | 'ratio'> {
  const only = (...kept: number[]): number[] =>
    fitLogistic(
      observations.map((one) => ({
        ...one,
        features: one.features.map((x, i) => (kept.includes(i) ? x : 0)),
      })),
    );
  const isMonotone = ([, margin = 0, ratio = 0]: number[]): boolean => margin >= 0 && ratio <= 0;
  const fits = [() => only(0, 1), () => only(0), () => only(1), () => only()];
  let [intercept, margin, ratio] = [0, 0, 0];
  for (const fit of fits) {
    const found = fit();
    [intercept = 0, margin = 0, ratio = 0] = found;
    if (isMonotone(found)) break;
  }
  return { intercept, margin: Math.max(0, margin), ratio: Math.min(0, ratio) };
}

function features(nearest: number, second: number, scale: number): [margin: number, ratio: number] {
  const sum = nearest + second;
  return [sum === 0 ? 0 : (second - nearest) / sum, nearest / scale];
}
