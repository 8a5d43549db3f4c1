import { Random } from '../../../../core/random.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { type Distance, distances } from '../../../../core/training/distances/index.ts';
import { createLoss, type Loss } from '../../../../core/training/losses/index.ts';
import { miners } from '../../../../core/training/miners/index.ts';
import { cloud, listed, tripletsOf } from '../batches.ts';
import * as naive from './naive.ts';

/** Distances in double precision; smaller is closer. */
export const far: Record<string, naive.NaiveBatch['far']> = {
  'squared-euclidean': naive.squaredDistance,
  euclidean: (a, b) => Math.sqrt(naive.squaredDistance(a, b)),
  cosine: (a, b) => 1 - naive.cosineSimilarity(a, b),
  'dot-product': (a, b) => -naive.dot(a, b),
};

export interface Case {
  readonly title: string;
  readonly loss: Loss;
  readonly distance: Distance;
  /** Loss and active fraction by the formula. */
  readonly expected: (batch: naive.NaiveBatch) => { loss: number; active: number };
}

function casesOf(distance: Distance, reduction: 'sum' | 'mean'): Case[] {
  const reduce = naive[reduction];
  const ofParts = ({ parts, active }: { parts: number[]; active: number }) => ({
    loss: reduce(parts),
    active,
  });
  const [positiveMargin, negativeMargin] = distance.largerIsCloser ? [1, -0.5] : [0.25, 1.5];
  const sign = distance.largerIsCloser ? -1 : 1;
  const shape = { alpha: 3, beta: 20, base: 0.25 };
  const title = (name: string): string => `${name}, ${distance.name}, ${reduction}`;
  return [
    {
      title: title('triplet'),
      loss: createLoss('triplet', { margin: 0.75, reduction }),
      distance,
      expected: (batch) => ofParts(naive.triplet(batch, 0.75)),
    },
    {
      title: title('soft-margin'),
      loss: createLoss('soft-margin', { reduction }),
      distance,
      expected: (batch) => ofParts(naive.softMargin(batch)),
    },
    {
      title: title('contrastive'),
      loss: createLoss('contrastive', { positiveMargin, negativeMargin, reduction }),
      distance,
      expected(batch) {
        const result = naive.contrastive(batch, sign * positiveMargin, sign * negativeMargin);
        return { loss: result[reduction], active: result.active };
      },
    },
    {
      title: title('multi-similarity with mining'),
      loss: createLoss('multi-similarity', { ...shape, reduction }),
      distance,
      expected: (batch) => ofParts(naive.multiSimilarity(batch, { ...shape, epsilon: 0.1 })),
    },
    {
      title: title('multi-similarity without mining'),
      loss: createLoss('multi-similarity', { ...shape, mining: false, reduction }),
      distance,
      expected: (batch) => ofParts(naive.multiSimilarity(batch, { ...shape, epsilon: null })),
    },
  ];
}

/** Every loss with every distance and reduction. */
export const cases = Object.values(distances).flatMap((distance) => [
  ...casesOf(distance, 'sum'),
  ...casesOf(distance, 'mean'),
]);

export interface Batch {
  readonly rows: number[][];
  readonly labels: Int32Array;
  readonly triplets: number[][];
}

/** Fewer triplets than rows, and more. The second class of the cloud has one row. */
export function batches(): Record<string, Batch> {
  const rows = cloud(9, 4, 21);
  const labels = Int32Array.of(0, 2, 0, 1, 2, 3, 3, 0, 2);
  // At uneven angles, since equal distances would leave it to rounding which triplets are in order.
  const around = Array.from({ length: 8 }, (_, i) => [
    Math.cos(i + i * i * 0.11),
    Math.sin(i + i * i * 0.11),
  ]);
  const alternating = Int32Array.from({ length: 8 }, (_, i) => i % 3);
  return {
    'a few triplets of random points': {
      rows,
      labels,
      triplets: [
        [0, 2, 3],
        [4, 1, 6],
        [4, 8, 6],
        [5, 6, 0],
      ],
    },
    'all triplets of random points': { rows, labels, triplets: allTriplets(rows, labels) },
    'all triplets around a circle': {
      rows: around,
      labels: alternating,
      triplets: allTriplets(around, alternating),
    },
  };
}

/** What the miner `all` finds. */
export function allTriplets(rows: number[][], labels: Int32Array): number[][] {
  const unmeasured = { size: rows.length, values: new Float32Array(rows.length ** 2), largerIsCloser: false };
  return listed(miners.all.mine(unmeasured, labels, { margin: 0 }, new Random(1)));
}

/** Loss, active share and gradient by the embeddings. */
export function evaluate(
  { loss, distance }: Pick<Case, 'loss' | 'distance'>,
  { rows, labels, triplets }: Batch,
) {
  return tf.tidy(() => {
    const width = rows[0]?.length ?? 3;
    const embeddings = tf.tensor2d(rows.flat(), [rows.length, width]);
    let active = NaN;
    const gradientOf = tf.valueAndGrad((x) => {
      const value = loss.value({
        embeddings: x as tf.Tensor2D,
        labels,
        triplets: tripletsOf(triplets),
        distance,
      });
      active = value.active;
      return value.loss;
    });
    const { value, grad } = gradientOf(embeddings);
    return { loss: value.dataSync()[0] as number, gradient: [...grad.dataSync()], active };
  });
}
