import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { distinct } from '../../../core/training/batches.ts';
import { losses } from '../../../core/training/losses/index.ts';
import { embedRows, trainStep } from '../../../core/training/step.ts';
import type { Learner } from '../../../core/training/step.ts';
import { assertClose } from '../../support/numbers.ts';
import { tripletsOf } from './batches.ts';
import { MARGIN, smallTraining } from './small.ts';

const triplets = [
  [0, 4, 1],
  [0, 8, 2],
  [5, 1, 0],
  [3, 7, 6],
];
const batch = distinct(tripletsOf(triplets), [0, 1, 2, 3]);
const summed = (learner: Learner): Learner => ({
  ...learner,
  loss: losses.triplet.create({ margin: MARGIN, reduction: 'sum' }),
  summedLoss: true,
});

/** Each triplet's loss by the definition, from the embeddings of all rows. */
function naiveLosses(learner: Learner): number[] {
  const embeddings = tf.tidy(() => embedRows(learner.network, 'x', learner.inputs).arraySync());
  const distance = (a: number, b: number): number =>
    (embeddings[a] as number[]).reduce((sum, x, k) => sum + (x - (embeddings[b]?.[k] as number)) ** 2, 0);
  return triplets.map(([a = 0, p = 0, n = 0]) => Math.max(0, distance(a, p) - distance(a, n) + MARGIN));
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

describe('a step of training', () => {
  it('tells the mean loss before its update, whether it is summed or not, and the share of triplets that teach', () => {
    for (const change of [summed, (learner: Learner) => learner]) {
      const training = smallTraining();
      const each = naiveLosses(training.learner);
      const { loss, active } = trainStep(change(training.learner), training.optimizer, batch, new Random(1));
      assertClose([loss], [mean(each)]);
      assert.equal(active, each.filter((value) => value > 0).length / each.length);
      assert.ok(active > 0);
      training.dispose();
    }
  });

  it('makes the loss smaller', () => {
    const training = smallTraining();
    const first = mean(naiveLosses(training.learner));
    for (let i = 0; i < 30; i++) trainStep(training.learner, training.optimizer, batch, new Random(1));
    const last = mean(naiveLosses(training.learner));
    assert.ok(last < first / 2, `${first} became ${last}`);
    training.dispose();
  });

  it('leaves as many tensors as there were', () => {
    const training = smallTraining();
    trainStep(training.learner, training.optimizer, batch, new Random(1));
    const { numTensors } = tf.memory();
    trainStep(training.learner, training.optimizer, batch, new Random(1));
    trainStep(training.learner, training.optimizer, { rows: batch.rows, triplets: null }, new Random(1));
    assert.equal(tf.memory().numTensors, numTensors);
    training.dispose();
  });

  it('changes nothing when its loss is no number', () => {
    const training = smallTraining();
    const broken = { ...training.learner, inputs: training.learner.inputs.mul(NaN) };
    const before = training.weights();
    const { loss } = trainStep(broken, training.optimizer, batch, new Random(1));
    assert.ok(Number.isNaN(loss));
    assert.deepEqual(training.weights(), before);
    assert.equal(training.optimizer.steps, 0);
    broken.inputs.dispose();
    training.dispose();
  });

  it('changes nothing when there is no triplet', () => {
    const training = smallTraining();
    const before = training.weights();
    const { loss, active, weight } = trainStep(
      training.learner,
      training.optimizer,
      { rows: Int32Array.of(0), triplets: tripletsOf([]) },
      new Random(1),
    );
    assert.deepEqual([loss, active, weight], [0, 0, 1]);
    assert.deepEqual(training.weights(), before);
    training.dispose();
  });
});

describe('embeddings of many rows', () => {
  for (const count of [1, 32, 33, 70]) {
    it(`of ${count} are those of the whole at once`, () => {
      const training = smallTraining();
      tf.tidy(() => {
        const rows = tf.randomNormal([count, 12], 0, 1, 'float32', 3);
        const whole = training.learner.network.forward({ x: rows })['out'];
        const { numTensors } = tf.memory();
        const embeddings = embedRows(training.learner.network, 'x', rows);
        assert.equal(tf.memory().numTensors, numTensors + 1);
        assert.deepEqual(embeddings.shape, [count, 4]);
        assertClose(embeddings.dataSync(), whole?.dataSync() ?? []);
      });
      training.dispose();
    });
  }

  it('of none are none', () => {
    const training = smallTraining();
    tf.tidy(() =>
      assert.deepEqual(embedRows(training.learner.network, 'x', tf.zeros([0, 12])).shape, [0, 4]),
    );
    training.dispose();
  });
});
