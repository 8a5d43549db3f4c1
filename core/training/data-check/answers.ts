/**
 * What every picture would be taken for by a classifier that never saw it, nor its label: whitened within classes and
 * told by the nearest pictures of each class. From the frozen features alone, so it costs no training.
 */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { tf } from '../../network/tensorflow.ts';
import { matMul } from '../../network/raw-ops.ts';
import { Random } from '../../random.ts';
import { rowsByLabel } from '../batches.ts';
import { stratifiedFolds } from '../cross-fit.ts';
import { applyWhitening, eigen, withinClassWhitening } from '../whitening.ts';
import { fittingTemperature, softmax } from './temperature.ts';
import { valuesOf } from './values.ts';

/** Of one picture. Shares of all classes add up to 1. */
export interface Answer {
  readonly row: number;
  /** How much speaks for the class that it is labelled with. */
  readonly own: number;
  /** The class that most speaks for among the others, by number, and how much. */
  readonly other: { readonly label: number; readonly share: number };
  /** Rows of that class that resemble it most, nearest first. */
  readonly nearest: readonly number[];
}

/** Numbers a picture is left with; enough for neighbours, and quick to whiten. */
const WIDTH = 512;
const WHITENING = { shrinkage: 0.2, dimensions: WIDTH };
/** A class is as near as its nearest so many pictures on average. */
const NEIGHBOURS = 3;
/** Many folds leave more to learn from where there is little. */
const foldsFor = (count: number): number => (count <= 500 ? 10 : 4);
const BLOCK = 512;

/**
 * @param features (n,d), rows of unit length @param labels of the first rows, from 0 on; the rest of the rows are asked
 * for with their `otherLabels`, without being known themselves
 * @returns for every row that has another one of its class to be told by; null with fewer than two such classes
 */
export function crossFittedAnswers(
  features: Tensor2D,
  labels: Int32Array,
  otherLabels: Int32Array,
  seed = 0,
): Answer[] | null {
  const count = Math.max(...labels, -1) + 1;
  if (rowsByLabel(labels).filter((rows) => rows.length > 1).length < 2) return null;
  const narrow = narrowed(features);
  try {
    const all = Array.from(labels, (_, row) => row);
    const asked = stratifiedFolds(labels, foldsFor(labels.length), new Random(seed)).map((fold) => {
      const left = new Set(fold);
      return scores(
        narrow,
        fold,
        all.filter((row) => !left.has(row)),
        labels,
        count,
      );
    });
    const rest = Int32Array.from(otherLabels, (_, i) => labels.length + i);
    if (rest.length > 0) asked.push(scores(narrow, rest, all, labels, count));
    return judged(asked.flat(), Int32Array.from([...labels, ...otherLabels]));
  } finally {
    narrow.dispose();
  }
}

/** Of one row: how near each class is, and the nearest rows of each. */
interface Scores {
  readonly row: number;
  /** By class: the mean cosine of its nearest; -1 where it has none. */
  readonly byClass: Float64Array;
  readonly nearest: readonly (readonly number[])[];
}

function scores(
  features: Tensor2D,
  asked: Int32Array,
  known: readonly number[],
  labels: Int32Array,
  count: number,
): Scores[] {
  const found: Scores[] = [];
  tf.tidy(() => {
    const gallery = tf.gather(features, tf.tensor1d([...known], 'int32'));
    const whitening = withinClassWhitening(
      gallery,
      Int32Array.from(known, (row) => labels[row] as number),
      WHITENING,
    );
    const told = applyWhitening(gallery, whitening);
    for (let start = 0; start < asked.length; start += BLOCK) {
      const rows = asked.subarray(start, start + BLOCK);
      const cosines = valuesOf(() => {
        const queries = tf.gather(features, tf.tensor1d(rows, 'int32'));
        return matMul(applyWhitening(queries, whitening), told, false, true);
      });
      for (const [i, row] of rows.entries()) {
        found.push(
          scoresOf(row, cosines.subarray(i * known.length, (i + 1) * known.length), known, labels, count),
        );
      }
    }
  });
  return found;
}

function scoresOf(
  row: number,
  cosines: Float32Array,
  known: readonly number[],
  labels: Int32Array,
  count: number,
): Scores {
  const best = Array.from({ length: count }, (): { row: number; cosine: number }[] => []);
  for (const [i, cosine] of cosines.entries()) {
    const nearest = best[labels[known[i] as number] as number] ?? [];
    if (nearest.length === NEIGHBOURS && cosine <= (nearest.at(-1)?.cosine ?? 0)) continue;
    nearest.push({ row: known[i] as number, cosine });
    nearest.sort((p, q) => q.cosine - p.cosine).splice(NEIGHBOURS);
  }
  const mean = (near: readonly { cosine: number }[]): number =>
    near.length === 0 ? -1 : near.reduce((sum, { cosine }) => sum + cosine, 0) / near.length;
  return {
    row,
    byClass: Float64Array.from(best, mean),
    nearest: best.map((near) => near.map((each) => each.row)),
  };
}

function judged(asked: readonly Scores[], labels: Int32Array): Answer[] {
  // Whoever has no other picture of its class to be told by can only be told wrong.
  const open = asked.filter(({ row, nearest }) => (nearest[labels[row] as number]?.length ?? 0) > 0);
  const temperature = fittingTemperature(
    open.map(({ byClass }) => byClass),
    open.map(({ row }) => labels[row] as number),
  );
  return open.map(({ row, byClass, nearest }) => {
    const shares = softmax(byClass, temperature);
    const label = labels[row] as number;
    const own = shares[label] as number;
    let other = label === 0 ? 1 : 0;
    for (const [i, share] of shares.entries())
      if (i !== label && share > (shares[other] as number)) other = i;
    return {
      row,
      own,
      other: { label: other, share: shares[other] as number },
      nearest: nearest[other] ?? [],
    };
  });
}

/** Fewer numbers with the same inner products: exactly so with few rows, nearly so (Johnson and Lindenstrauss) with many. */
function narrowed(features: Tensor2D): Tensor2D {
  const [rows, width] = features.shape;
  if (width <= WIDTH) return features.clone();
  return tf.tidy(() => {
    if (rows <= WIDTH) {
      const [values, vectors] = eigen(matMul(features, features, false, true));
      return vectors.mul<Tensor2D>(values.maximum(0).sqrt());
    }
    const random = new Random(0);
    const drawn = Float32Array.from({ length: width * WIDTH }, () => random.normal() / Math.sqrt(WIDTH));
    return tf.matMul(features, tf.tensor2d(drawn, [width, WIDTH]));
  });
}
