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
import { whitenedByRows } from './whitening.ts';
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
 * Each fold's rows are asked for with whitening and gallery made of all other rows; and once more as strangers, with whitening and gallery
 * made of the rows of other classes. A class that the whitening has seen is farther from the others than one that it has not.
 * @param features (n,d) @param folds rows that are asked for together
 */
export function crossFit(
  features: Tensor2D,
  labels: Int32Array,
  folds: readonly Int32Array[],
  options: WhiteningOptions,
): LeftOut[] {
  const asked = new Set(folds.flatMap((fold) => [...fold]));
  const strangers = new Map<number, NearestClasses>();
  for (const isOut of partsByClass(labels)) {
    const out = rowsWhere(labels, (row) => isOut(row) && asked.has(row));
    const known = rowsWhere(labels, (row) => !isOut(row));
    for (const [row, found] of nearestClasses(features, labels, out, known, options))
      strangers.set(row, found);
  }
  return folds.flatMap((fold) => {
    const left = new Set(fold);
    const known = rowsWhere(labels, (row) => !left.has(row));
    const found = nearestClasses(features, labels, fold, known, options);
    return [...found].map(([row, { own, others }]) => {
      const stranger = strangers.get(row)?.others;
      return { row, own, others, ...(stranger && { stranger }) };
    });
  });
}

type NearestClasses = Pick<LeftOut, 'own' | 'others'>;

/** Parts that the classes are left out in, as many as there are folds. */
const CLASS_PARTS = 4;

/** Parts of the rows, each with all rows of its classes; none of a single class, for it leaves nothing to compare with. */
function partsByClass(labels: Int32Array): ((row: number) => boolean)[] {
  const numbers = new Map([...new Set(labels)].map((label, i) => [label, i]));
  const count = Math.min(CLASS_PARTS, numbers.size);
  if (count < 2) return [];
  const partOf = (row: number): number => (numbers.get(labels[row] as number) as number) % count;
  return Array.from({ length: count }, (_, part) => (row: number) => partOf(row) === part);
}

function rowsWhere(labels: Int32Array, holds: (row: number) => boolean): Int32Array {
  return Int32Array.from(labels.keys()).filter((row) => holds(row));
}

/** How far each asked row is from its own class and from the two nearest others, among the known rows. */
function nearestClasses(
  features: Tensor2D,
  labels: Int32Array,
  asked: Int32Array,
  known: Int32Array,
  options: WhiteningOptions,
): Map<number, NearestClasses> {
  if (asked.length === 0) return new Map();
  const knownLabels = known.map((row) => labels[row] as number);
  const distancesTo = whitenedDistances(features, asked, known, knownLabels, options);
  return new Map(
    Array.from(asked, (row, i) => [row, nearestOf(distancesTo[i] ?? [], knownLabels, labels[row] as number)]),
  );
}

/** Squared distances from the asked to the known rows, whitened by the known ones. */
export function whitenedDistances(
  features: Tensor2D,
  asked: Int32Array,
  known: Int32Array,
  knownLabels: Int32Array,
  options: WhiteningOptions,
): number[][] {
  const apart = tf.tidy(() => {
    const gallery = tf.gather(features, tf.tensor1d(known, 'int32'));
    const queries = tf.gather(features, tf.tensor1d(asked, 'int32'));
    const [rows, others] = whitenedByRows(gallery, knownLabels, queries, options);
    return distances['squared-euclidean'].pairwise(others, rows);
  });
  // Out here: tfjs looks for tensors in whatever a tidy returns, number by number.
  const numbers = apart.arraySync();
  apart.dispose();
  return numbers;
}

function nearestOf(toKnown: readonly number[], knownLabels: Int32Array, own: number): NearestClasses {
  const nearest = new Map<number, number>();
  for (const [i, distance] of toKnown.entries()) {
    const label = knownLabels[i] as number;
    nearest.set(label, Math.min(distance, nearest.get(label) ?? Infinity));
  }
  const mine = nearest.get(own) ?? null;
  nearest.delete(own);
  const [first = null, second = null] = [...nearest.values()].sort((a, b) => a - b);
  return { own: mine, others: [first, second] };
}
