/**
 * What pictures would have been told by a whitening and a gallery that never saw them: the honest ground for thresholds.
 * The whitening draws the pictures it is made from together, so that their own distances say nothing of new ones.
 */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import type { LeftOut } from '../gallery/leave-one-out.ts';
import { tf } from '../network/tensorflow.ts';
import type { Random } from '../random.ts';
import { rowsByLabel } from './batches.ts';
import { distances } from './distances/index.ts';
import { applyWhitening, withinClassWhitening } from './whitening.ts';
import type { WhiteningOptions } from './whitening.ts';

/** Rows in `count` parts, each with its share of every class. Classes of one picture are in none: they are only looked at. */
export function stratifiedFolds(labels: Int32Array, count: number, random: Random): Int32Array[] {
  const folds = Array.from({ length: count }, (): number[] => []);
  let next = 0;
  for (const rows of rowsByLabel(labels)) {
    if (rows.length < 2) continue;
    for (const row of random.shuffle([...rows])) folds[next++ % count]?.push(row);
  }
  return folds.filter((fold) => fold.length > 0).map((fold) => Int32Array.from(fold));
}

/**
 * Each fold's rows are asked for with whitening and gallery made of all other rows.
 * @param features (n,d) @param folds rows that are asked for together
 */
export function crossFit(
  features: Tensor2D,
  labels: Int32Array,
  folds: readonly Int32Array[],
  options: WhiteningOptions,
): LeftOut[] {
  return folds.flatMap((fold) => {
    const asked = new Set(fold);
    const known = Int32Array.from(Array.from(labels, (_, row) => row).filter((row) => !asked.has(row)));
    const knownLabels = known.map((row) => labels[row] as number);
    const rows = whitenedDistances(features, fold, known, knownLabels, options);
    return rows.map((row, i) =>
      leftOut(fold[i] as number, row, knownLabels, labels[fold[i] as number] as number),
    );
  });
}

/** Squared distances from the asked to the known rows, whitened by the known ones. */
export function whitenedDistances(
  features: Tensor2D,
  asked: Int32Array,
  known: Int32Array,
  knownLabels: Int32Array,
  options: WhiteningOptions,
): number[][] {
  return tf.tidy(() => {
    const gallery = tf.gather(features, tf.tensor1d(known, 'int32'));
    const whitening = withinClassWhitening(gallery, knownLabels, options);
    const queries = tf.gather(features, tf.tensor1d(asked, 'int32'));
    const apart = distances['squared-euclidean'].pairwise(
      applyWhitening(queries, whitening),
      applyWhitening(gallery, whitening),
    );
    return apart.arraySync();
  });
}

function leftOut(row: number, toKnown: readonly number[], knownLabels: Int32Array, own: number): LeftOut {
  const nearest = new Map<number, number>();
  for (const [i, distance] of toKnown.entries()) {
    const label = knownLabels[i] as number;
    nearest.set(label, Math.min(distance, nearest.get(label) ?? Infinity));
  }
  const mine = nearest.get(own) ?? null;
  nearest.delete(own);
  const [first = null, second = null] = [...nearest.values()].sort((a, b) => a - b);
  return { row, own: mine, others: [first, second] };
}
