import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, fresh } from '../../../core/network/parameters.ts';
import { SafetensorsFile, writeSafetensors } from '../../../core/network/safetensors.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { Random } from '../../../core/random.ts';
import { ADAM_DEFAULTS, Adam } from '../../../core/training/adam.ts';
import { assertClose, normals } from '../../support/numbers.ts';
import { denseGraph, inFolder } from './small.ts';

const options = { ...ADAM_DEFAULTS, learningRate: 0.03 };
const makeNetwork = (): Network =>
  new Network(denseGraph, new ParameterStore(denseGraph, fresh(new Random(2))));
const weightsOf = (network: Network): number[] =>
  [...network.parameters.variables()].flatMap(({ variable }) => [...variable.numbers()]);

/** One update of every parameter with gradients that depend on the step alone, some of them zero. */
function update(network: Network, adam: Adam, step: number, rateFactor?: number): void {
  adam.begin(rateFactor);
  let seed = 100 * step;
  for (const { name, piece, variable } of network.parameters.variables()) {
    const gradient = tf.tensor(gradientOf(variable.shape, ++seed), variable.shape);
    adam.apply({ name, piece, gradient });
    gradient.dispose();
  }
}

const gradientOf = (shape: readonly number[], seed: number): Float32Array =>
  normals(
    shape.reduce((a, b) => a * b, 1),
    seed,
  ).map((x, i) => (i % 5 === 0 ? 0 : x));

/** Adam as Keras documents it, one number after the other in 64 bits. */
function plainAdam(
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  rates: readonly number[],
): number[] {
  const { beta1, beta2, epsilon } = options;
  const [weights, first, second] = [[...start], start.map(() => 0), start.map(() => 0)];
  for (const [t, gradient] of gradients.entries()) {
    const rate = ((rates[t] as number) * Math.sqrt(1 - beta2 ** (t + 1))) / (1 - beta1 ** (t + 1));
    for (const [i, g] of gradient.entries()) {
      first[i] = beta1 * (first[i] as number) + (1 - beta1) * g;
      second[i] = beta2 * (second[i] as number) + (1 - beta2) * g * g;
      weights[i] = (weights[i] as number) - (rate * first[i]) / (Math.sqrt(second[i]) + epsilon);
    }
  }
  return weights;
}

describe('Adam in place', () => {
  it('moves every weight as plain Adam does, with a schedule too', () => {
    const network = makeNetwork();
    const adam = new Adam(network.parameters, options);
    const before = weightsOf(network);
    const factors = [1, 1, 0.5, 0, 2, 1];
    const shapes = [...network.parameters.variables()].map(({ variable }) => variable.shape);
    const gradients = factors.map((_, t) =>
      shapes.flatMap((shape, k) => [...gradientOf(shape, 100 * (t + 1) + k + 1)]),
    );

    for (const [t, factor] of factors.entries()) update(network, adam, t + 1, factor);

    const expected = plainAdam(
      before,
      gradients,
      factors.map((factor) => options.learningRate * factor),
    );
    assertClose(weightsOf(network), expected, { tolerance: 2e-6 });
    assert.equal(adam.steps, 6);
    adam.dispose();
    network.dispose();
  });

  it('goes on from a file as if it had never stopped, to the bit', () =>
    inFolder(async (folder) => {
      const [whole, first, second] = [makeNetwork(), makeNetwork(), makeNetwork()];
      const [adam, before, after] = [whole, first, second].map(
        (network) => new Adam(network.parameters, options),
      ) as [Adam, Adam, Adam];
      for (let step = 1; step <= 5; step++) update(whole, adam, step);
      for (let step = 1; step <= 3; step++) update(first, before, step);
      const file = path.join(folder, 'arrays');
      await writeSafetensors(file, [...first.parameters.sources(), ...before.sources()]);

      const read = new SafetensorsFile(file);
      second.parameters.restore(read);
      after.restore(read, before.steps);
      read.close();
      for (let step = 4; step <= 5; step++) update(second, after, step);

      assert.deepEqual(weightsOf(second), weightsOf(whole));
      assert.equal(after.steps, 5);
      for (const optimizer of [adam, before, after]) optimizer.dispose();
      for (const network of [whole, first, second]) network.dispose();
    }));

  it('keeps as many tensors and variables over steps, and gives all back', () => {
    const network = makeNetwork();
    const start = [tf.memory().numTensors, liveVariables()];
    const adam = new Adam(network.parameters, options);
    update(network, adam, 1);
    const counts = [tf.memory().numTensors, liveVariables()];
    for (let step = 2; step <= 4; step++) update(network, adam, step);
    assert.deepEqual([tf.memory().numTensors, liveVariables()], counts);
    adam.dispose();
    assert.deepEqual([tf.memory().numTensors, liveVariables()], start);
    network.dispose();
  });
});
