import { Random } from '../../../../core/random.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { type Distance, distances } from '../../../../core/training/distances/index.ts';
import { createLoss, type Loss, type LossName } from '../../../../core/training/losses/index.ts';
import { miners } from '../../../../core/training/miners/index.ts';
import { cloud, listed, tripletsOf } from '../batches.ts';
import * as naive from './naive.ts';

/** Distances in double precision; smaller is closer. */
export const far: Record<keyof typeof distances, naive.NaiveBatch['far']> = {
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

/** Options, and value and active share with these, by the formula. A loss may have several sets of options. */
type Reference = (setting: {
  readonly reduction: 'sum' | 'mean';
  readonly distance: Distance;
}) => readonly (readonly [options: object, expected: Case['expected'], what?: string])[];

const reduced =
  (reduction: 'sum' | 'mean', of: (batch: naive.NaiveBatch) => { parts: number[]; active: number }) =>
  (batch: naive.NaiveBatch) => {
    const { parts, active } = of(batch);
    return { loss: naive[reduction](parts), active };
  };

const multiSimilarity = { alpha: 3, beta: 20, base: 0.25 };

/** Every loss again, in plain numbers: one that is added to the table does not compile without its formula here. */
export const references: Record<LossName, Reference> = {
  triplet: ({ reduction }) => [[{ margin: 0.75 }, reduced(reduction, (batch) => naive.triplet(batch, 0.75))]],
  'soft-margin': ({ reduction }) => [[{}, reduced(reduction, naive.softMargin)]],
  contrastive({ reduction, distance: { largerIsCloser } }) {
    const [positiveMargin, negativeMargin] = largerIsCloser ? [1, -0.5] : [0.25, 1.5];
    const sign = largerIsCloser ? -1 : 1;
    const expected: Case['expected'] = (batch) => {
      const result = naive.contrastive(batch, sign * positiveMargin, sign * negativeMargin);
      return { loss: result[reduction], active: result.active };
    };
    return [[{ positiveMargin, negativeMargin }, expected]];
  },
  'multi-similarity': ({ reduction }) =>
    [true, false].map((mining) => [
      { ...multiSimilarity, mining },
      reduced(reduction, (batch) =>
        naive.multiSimilarity(batch, { ...multiSimilarity, epsilon: mining ? 0.1 : null }),
      ),
      mining ? ' with mining' : ' without mining',
    ]),
};

/** Every loss with every distance and reduction. */
export const cases: readonly Case[] = Object.values(distances).flatMap((distance) =>
  (['sum', 'mean'] as const).flatMap((reduction) =>
    Object.entries(references).flatMap(([name, reference]) =>
      reference({ reduction, distance }).map(([options, expected, what = '']) => ({
        title: `${name}${what}, ${distance.name}, ${reduction}`,
        loss: createLoss(name, { ...options, reduction }),
        distance,
        expected,
      })),
    ),
  ),
);

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
  return listed(miners.all.create().mine(unmeasured, labels, new Random(1)));
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
