import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bool, float, runForEffect } from '../../../core/network/raw-ops.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { ResourceVariable, liveVariables } from '../../../core/network/variables.ts';

/** variable -= rate * gradient, by an operation that writes into the variable's own buffer. */
function descend(variable: ResourceVariable, rate: number, gradient: readonly number[]): void {
  tf.tidy(() =>
    runForEffect(
      'ResourceApplyGradientDescent',
      [float(), bool('use_locking', false)],
      [variable.handle, tf.scalar(rate), tf.tensor1d([...gradient])],
    ),
  );
}

describe('a variable that is updated in place', () => {
  it("starts with a copy of a tensor, which stays as it is and the caller's", () => {
    const initial = tf.tensor1d([1, 2, 3]);
    const variable = new ResourceVariable(initial);
    descend(variable, 1, [1, 1, 1]);
    assert.deepEqual([...initial.dataSync()], [1, 2, 3]);
    assert.deepEqual([...variable.numbers()], [0, 1, 2]);
    initial.dispose();
    assert.deepEqual([...variable.numbers()], [0, 1, 2]);
    variable.dispose();
  });

  it('is read as it is now; what was read before an update keeps the value of then', () => {
    const initial = tf.tensor1d([4, 5]);
    const variable = new ResourceVariable(initial);
    const read = variable.read();
    const numbers = variable.numbers();
    descend(variable, 2, [1, 0]);
    assert.deepEqual([...read.dataSync()], [4, 5]);
    assert.deepEqual([...numbers], [4, 5]);
    assert.deepEqual([...variable.numbers()], [2, 5]);
    tf.dispose([initial, read]);
    variable.dispose();
  });

  it('takes a new value of its shape', () => {
    const [initial, next] = [tf.zeros([2, 2]), tf.tensor2d([1, 2, 3, 4], [2, 2])];
    const variable = new ResourceVariable(initial);
    variable.assign(next);
    tf.dispose([initial, next]);
    assert.deepEqual(variable.shape, [2, 2]);
    assert.deepEqual([...variable.numbers()], [1, 2, 3, 4]);
    variable.dispose();
  });

  it('shares nothing with another one from the same tensor', () => {
    const initial = tf.tensor1d([1, 1]);
    const [a, b] = [new ResourceVariable(initial), new ResourceVariable(initial)];
    descend(a, 1, [5, 5]);
    assert.deepEqual([...b.numbers()], [1, 1]);
    initial.dispose();
    a.dispose();
    b.dispose();
  });

  it('is counted while it lives, and leaves no tensor', () => {
    const initial = tf.tensor1d([1, 2, 3]);
    const [live, tensors] = [liveVariables(), tf.memory().numTensors];
    const variable = new ResourceVariable(initial);
    assert.equal(liveVariables(), live + 1);
    variable.numbers();
    descend(variable, 1, [1, 1, 1]);
    variable.dispose();
    assert.equal(liveVariables(), live);
    assert.equal(tf.memory().numTensors, tensors);
    initial.dispose();
  });
});
