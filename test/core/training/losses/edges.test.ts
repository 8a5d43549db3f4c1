import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../../core/errors.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { distances } from '../../../../core/training/distances/index.ts';
import { createLoss, losses } from '../../../../core/training/losses/index.ts';
import { circle, cloud, tripletsOf } from '../batches.ts';
import { type Batch, cases, evaluate } from './cases.ts';

const nothing: Record<string, Batch> = {
  'an empty batch': { rows: [], labels: new Int32Array(0), triplets: [] },
  'one picture': { rows: [[1, 2]], labels: Int32Array.of(0), triplets: [] },
};
const noTriplets: Batch = { rows: circle(4), labels: Int32Array.of(0, 0, 1, 2), triplets: [] };

describe('a loss without anything to learn from', () => {
  const defaults = Object.entries(losses).map(([name, kind]) => [name, kind.create({})] as const);
  for (const [name, loss] of defaults) {
    const batchesOfThis = { ...nothing, ...(loss.over === 'triplets' ? { 'no triplets': noTriplets } : {}) };
    for (const [kind, batch] of Object.entries(batchesOfThis)) {
      it(`is 0 with gradient 0: ${name}, ${kind}`, () => {
        const actual = evaluate({ loss, distance: distances.euclidean }, batch);

        assert.deepEqual(actual, { loss: 0, active: 0, gradient: batch.rows.flat().map(() => 0) });
      });
    }
  }

  for (const labels of [Int32Array.of(0, 0, 0, 0), Int32Array.of(0, 1, 2, 3)]) {
    it(`is 0 with gradient 0: multi-similarity, labels ${labels.join(', ')}`, () => {
      const actual = evaluate(
        { loss: createLoss('multi-similarity'), distance: distances.cosine },
        { rows: circle(4), labels, triplets: [] },
      );

      assert.deepEqual(actual, { loss: 0, active: 0, gradient: [0, 0, 0, 0, 0, 0, 0, 0] });
    });
  }
});

describe('a loss on embeddings that have collapsed', () => {
  for (const one of cases) {
    it(`has a finite value and gradient: ${one.title}`, () => {
      const rows = Array.from({ length: 6 }, (_, i) => (i < 3 ? [0, 0] : [3, 4]));
      const labels = Int32Array.of(0, 0, 1, 1, 0, 1);

      const actual = evaluate(one, {
        rows,
        labels,
        triplets: [
          [0, 1, 2],
          [3, 5, 4],
          [0, 4, 2],
        ],
      });

      assert.ok(Number.isFinite(actual.loss));
      assert.ok(actual.gradient.every(Number.isFinite), actual.gradient.join(', '));
    });
  }
});

describe('a loss', () => {
  const batch = { rows: cloud(8, 3, 31), labels: Int32Array.of(0, 0, 1, 1, 2, 2, 3, 3) };

  it('leaves no tensors behind but its value', () => {
    const embeddings = tf.tensor2d(batch.rows);
    const triplets = tripletsOf([
      [0, 1, 2],
      [2, 3, 4],
    ]);
    const before = tf.memory().numTensors;

    for (const { loss, distance } of cases) {
      loss.value({ embeddings, labels: batch.labels, triplets, distance }).loss.dispose();
      loss.value({ embeddings, labels: batch.labels, triplets: tripletsOf([]), distance }).loss.dispose();
      const gradient = tf.grad(
        (x) => loss.value({ embeddings: x as tf.Tensor2D, labels: batch.labels, triplets, distance }).loss,
      );
      gradient(embeddings).dispose();
    }

    assert.equal(tf.memory().numTensors, before);
  });

  it('refuses labels and triplets that do not fit its batch', () => {
    const embeddings = tf.zeros([3, 2]) as tf.Tensor2D;
    const labels = Int32Array.of(0, 0, 1);
    const [loss, distance] = [losses.triplet.create({}), distances.euclidean];
    const good = tripletsOf([[0, 1, 2]]);
    const uneven = { ...good, negatives: new Int32Array(0) };

    assert.throws(
      () => loss.value({ embeddings, labels: Int32Array.of(0), triplets: good, distance }),
      InvalidInputError,
    );
    assert.throws(() => loss.value({ embeddings, labels, triplets: uneven, distance }), InvalidInputError);
    for (const row of [3, -1]) {
      assert.throws(() => loss.value({ embeddings, labels, triplets: tripletsOf([[0, 1, row]]), distance }), {
        message: new RegExp(`row ${row} of a batch of 3`),
      });
    }
  });
});
