import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../../core/errors.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { distanceMatrix, distances } from '../../../../core/training/distances/index.ts';
import { circle, cloud } from '../batches.ts';

const dot = (a: number[], b: number[]): number => a.reduce((sum, x, k) => sum + x * (b[k] as number), 0);
const squared = (a: number[], b: number[]): number => dot(a, a) - 2 * dot(a, b) + dot(b, b);

/** Each distance again, in double precision. */
const naive: Record<string, (a: number[], b: number[]) => number> = {
  'squared-euclidean': squared,
  euclidean: (a, b) => Math.sqrt(squared(a, b)),
  cosine: (a, b) => 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
  'dot-product': dot,
};

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    assert.ok(difference <= tolerance, `value ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

for (const [name, distance] of Object.entries(distances)) {
  describe(`the distance ${name}`, () => {
    const measure = naive[name] as (a: number[], b: number[]) => number;

    it('bears the name it is found by', () => {
      assert.equal(distance.name, name);
    });

    it('is, for every row against every row, what its definition says', () => {
      const [a, b] = [cloud(5, 7, 1), cloud(3, 7, 2)];

      const actual = distance.pairwise(tf.tensor2d(a), tf.tensor2d(b));

      assert.deepEqual(actual.shape, [5, 3]);
      const expected = a.flatMap((x) => b.map((y) => measure(x, y)));
      assertClose(actual.dataSync(), expected, 1e-5);
    });

    it('is, row by row, what its definition says', () => {
      const [a, b] = [cloud(6, 4, 3), cloud(6, 4, 4)];

      const actual = distance.rowwise(tf.tensor2d(a), tf.tensor2d(b));

      assert.deepEqual(actual.shape, [6]);
      assertClose(
        actual.dataSync(),
        a.map((x, i) => measure(x, b[i] as number[])),
        1e-5,
      );
    });

    it('finds the next point of a circle closer than the opposite one, in the direction that it declares', () => {
      const values = distanceMatrix(distance, tf.tensor2d(circle(8))).values;

      const [next, opposite] = [values[1] as number, values[4] as number];

      assert.equal(next > opposite, distance.largerIsCloser);
    });

    it('gives the same numbers to miners, row-major, with its direction', () => {
      const points = tf.tensor2d(cloud(4, 3, 5));

      const matrix = distanceMatrix(distance, points);

      assert.equal(matrix.size, 4);
      assert.equal(matrix.largerIsCloser, distance.largerIsCloser);
      assert.deepEqual([...matrix.values], [...distance.pairwise(points, points).dataSync()]);
    });

    it('has finite gradients between equal rows and at rows of zeros', () => {
      const points = tf.tensor2d([
        [0, 0],
        [0, 0],
        [1, 2],
        [1, 2],
      ]);
      const sums = [
        (x: tf.Tensor): tf.Scalar => tf.sum(distance.pairwise(x as tf.Tensor2D, x as tf.Tensor2D)),
        (x: tf.Tensor): tf.Scalar => tf.sum(distance.rowwise(x as tf.Tensor2D, tf.zeros([4, 2]))),
        (x: tf.Tensor): tf.Scalar => tf.sum(distance.rowwise(x as tf.Tensor2D, points)),
      ];

      const gradients = sums.map((sum) => tf.grad(sum)(points).dataSync());

      for (const gradient of gradients) assert.ok(gradient.every(Number.isFinite), String(gradient));
    });

    it('takes batches of no rows', () => {
      const none: tf.Tensor2D = tf.zeros([0, 3]);
      const some: tf.Tensor2D = tf.ones([2, 3]);

      assert.deepEqual(distance.pairwise(none, some).shape, [0, 2]);
      assert.deepEqual(distance.pairwise(some, none).shape, [2, 0]);
      assert.deepEqual(distance.rowwise(none, none).shape, [0]);
      assert.equal(distanceMatrix(distance, none).values.length, 0);
    });

    it('refuses shapes that do not fit, and says which they were', () => {
      const [wide, narrow] = [tf.zeros([2, 3]) as tf.Tensor2D, tf.zeros([2, 4]) as tf.Tensor2D];
      const refusal = { constructor: InvalidInputError, message: /\[2, 3\].*\[2, 4\]/ };

      assert.throws(() => distance.pairwise(wide, narrow), refusal);
      assert.throws(() => distance.rowwise(wide, narrow), refusal);
      assert.throws(() => distance.rowwise(wide, tf.zeros([3, 3])), { message: /\[2, 3\].*\[3, 3\]/ });
      assert.throws(
        () => distance.pairwise(tf.zeros([3]) as unknown as tf.Tensor2D, wide),
        InvalidInputError,
      );
    });

    it('leaves no tensors behind but its answer', () => {
      const points = tf.tensor2d(cloud(4, 3, 6));
      const before = tf.memory().numTensors;

      distance.pairwise(points, points).dispose();
      distance.rowwise(points, points).dispose();
      distanceMatrix(distance, points);
      tf.grad((x) => tf.sum(distance.pairwise(x as tf.Tensor2D, x as tf.Tensor2D)))(points).dispose();
      tf.grad((x) => tf.sum(distance.rowwise(x as tf.Tensor2D, x as tf.Tensor2D)))(points).dispose();

      assert.equal(tf.memory().numTensors, before);
    });
  });
}

describe('distances that are not similarities', () => {
  for (const name of ['squared-euclidean', 'euclidean', 'cosine'] as const) {
    it(`${name} is never negative, also between copies of long vectors`, () => {
      const rows = cloud(20, 64, 7).map((row) => row.map((x) => 100 + x));
      const points = tf.tensor2d([...rows, ...rows]);

      const values = distances[name].pairwise(points, points).dataSync();

      assert.ok(values.every((value) => value >= 0));
    });
  }

  it('keep small differences of long vectors', () => {
    const rows = cloud(10, 64, 8).map((row) => row.map((x) => 100 + x / 100));
    const points = tf.tensor2d(rows);

    const matrix = distances['squared-euclidean'].pairwise(points, points).dataSync();

    const stored = points.arraySync();
    const expected = stored.flatMap((a) => stored.map((b) => squaredByDifference(a, b)));
    assertClose(matrix, expected, 1e-5);
  });
});

function squaredByDifference(a: number[], b: number[]): number {
  return a.reduce((sum, x, k) => sum + (x - (b[k] as number)) ** 2, 0);
}
