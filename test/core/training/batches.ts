import type { DistanceMatrix } from '../../../core/training/distances/index.ts';
import { Random } from '../../../core/random.ts';
import type { Triplets } from '../../../core/training/triplets.ts';

/** Points of length 1 at even angles, as rows. */
export function circle(count: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count;
    return [Math.cos(angle), Math.sin(angle)];
  });
}

/** Normally distributed rows. */
export function cloud(count: number, width: number, seed: number): number[][] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Array.from({ length: width }, () => random.normal()));
}

/** Labels drawn from 0 to classes - 1, in no order. */
export function drawnLabels(count: number, classes: number, seed: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length: count }, () => random.below(classes));
}

/** Squared Euclidean distances of rows, by the definition. */
export function squaredDistances(rows: number[][]): DistanceMatrix {
  return matrixOf(rows, (a, b) => a.reduce((sum, x, k) => sum + (x - (b[k] as number)) ** 2, 0), false);
}

/** Any measure of all rows against all rows. */
export function matrixOf(
  rows: number[][],
  measure: (a: number[], b: number[]) => number,
  largerIsCloser: boolean,
): DistanceMatrix {
  return {
    size: rows.length,
    values: Float32Array.from(rows.flatMap((a) => rows.map((b) => measure(a, b)))),
    largerIsCloser,
  };
}

/** A matrix of values drawn from few whole numbers, so that ties are everywhere. */
export function tiedMatrix(
  size: number,
  levels: number,
  largerIsCloser: boolean,
  seed: number,
): DistanceMatrix {
  const random = new Random(seed);
  const values = Float32Array.from({ length: size * size }, () => random.below(levels) - 1);
  return { size, values, largerIsCloser };
}

/** Triplets as [anchor, positive, negative] lists. */
export function listed({ anchors, positives, negatives }: Triplets): number[][] {
  return Array.from(anchors, (anchor, t) => [anchor, positives[t] as number, negatives[t] as number]);
}

/** Triplets from [anchor, positive, negative] lists. */
export function tripletsOf(list: number[][]): Triplets {
  const column = (k: number): Int32Array => Int32Array.from(list, (triplet) => triplet[k] as number);
  return { anchors: column(0), positives: column(1), negatives: column(2) };
}
