import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../../../core/errors.ts';
import { PIXELS, parametersOf } from '../../../core/network/graph.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore } from '../../../core/network/parameters.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { assertClose, normals } from '../../support/numbers.ts';
import {
  plainWeights,
  frozenReference,
  smallGraph,
  smallWeights,
  somePixels,
  trainedReference,
} from './small.ts';

const makeNetwork = (graph = smallGraph): Network =>
  new Network(graph, new ParameterStore(graph, smallWeights));

const some = (shape: readonly number[], seed: number): Tensor =>
  tf.tensor(
    normals(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    [...shape],
  );

/** Runs the work and gives back how many tensors it left. */
function left(work: () => void): number {
  const before = tf.memory().numTensors;
  work();
  return tf.memory().numTensors - before;
}

describe('a network run forward', () => {
  it('gives what plain tfjs operations give', () => {
    const network = makeNetwork();
    tf.tidy(() => {
      const pixels = somePixels(3);
      const expected = trainedReference(frozenReference(pixels, plainWeights()), plainWeights());
      const { embedding } = network.forward({ [PIXELS]: pixels });
      assertClose(embedding?.dataSync() ?? [], expected.dataSync());
    });
    network.dispose();
  });

  it('says how many numbers an embedding has', () => {
    const network = makeNetwork();
    assert.equal(network.dimensions, 6);
    network.dispose();
  });

  it('gives the same when nothing of it is trained', () => {
    const [trained, frozen] = [makeNetwork(), makeNetwork({ ...smallGraph, trainableAfter: null })];
    const variables = liveVariables();
    tf.tidy(() => {
      const pixels = somePixels(3);
      const [a, b] = [trained, frozen].map((network) => network.forward({ [PIXELS]: pixels })['embedding']);
      assertClose(a?.dataSync() ?? [], b?.dataSync() ?? []);
    });
    frozen.dispose();
    assert.equal(liveVariables(), variables, 'a frozen network has no variables');
    trained.dispose();
  });

  it('goes on from what is given in between, and gives every node that is wanted', () => {
    const network = makeNetwork();
    tf.tidy(() => {
      const pixels = somePixels(2);
      const first = network.forward({ [PIXELS]: pixels }, ['embedding', 'frozen', 'pooled']);
      const second = network.forward({ frozen: first['frozen'] as Tensor }, ['frozen', 'embedding']);
      assert.deepEqual(Object.keys(first), ['embedding', 'frozen', 'pooled']);
      assert.deepEqual(first['pooled']?.shape, [2, 4]);
      assert.deepEqual(second['embedding']?.dataSync(), first['embedding']?.dataSync());
      second['frozen']?.dispose();
      assert.equal(first['frozen']?.isDisposed, false, "what was given stays the giver's");
    });
    network.dispose();
  });

  it('leaves nothing but what is wanted', () => {
    const network = makeNetwork();
    const pixels = somePixels(2);
    const run = (): void => tf.dispose(network.forward({ [PIXELS]: pixels }, ['embedding', 'sum']));
    run();
    assert.equal(left(run), 0);
    assert.equal(
      left(() => void network.forward({ [PIXELS]: pixels }, ['embedding', 'sum'])),
      2,
    );
    network.dispose();
  });

  it('frees what is in between as soon as nothing needs it', async () => {
    const blocks = 12;
    const nodes = Array.from({ length: blocks }, (_, i) => ({
      op: 'add' as const,
      name: `n${i}`,
      inputs: i === 0 ? [PIXELS, PIXELS] : [`n${i - 1}`, `n${i - 1}`],
    }));
    const graph = { inputSize: 32, nodes, output: `n${blocks - 1}`, trainableAfter: null };
    const network = makeNetwork(graph);
    const pixels = tf.ones([1, 32, 32, 3]);
    const { numBytes } = tf.memory();
    const profile = await tf.profile(() => network.forward({ [PIXELS]: pixels })[graph.output]);
    const mapBytes = 32 * 32 * 3 * 4;
    assert.ok(
      profile.peakBytes - numBytes <= 3 * mapBytes,
      `at most three maps at once, got ${(profile.peakBytes - numBytes) / mapBytes}`,
    );
    network.dispose();
    pixels.dispose();
  });

  it('cannot compute what is not in it, or from too little', () => {
    const network = makeNetwork();
    const flat = tf.zeros([1, 64]);
    const says = (message: RegExp) => (error: unknown) =>
      error instanceof InvalidInputError && message.test(error.message);
    assert.throws(() => network.forward({ flat }, ['nowhere']), says(/'nowhere' from 'flat'/));
    assert.throws(() => network.forward({ flat }), says(/'pixels' from 'flat'/));
    network.dispose();
    flat.dispose();
  });
});

describe('a network run backward', () => {
  /** Gradients by parameter name, in the order in which they were handed out; pieces one after the other. */
  function gradientsOf(
    network: Network,
    given: Record<string, Tensor>,
    gradient: Tensor,
  ): Map<string, number[]> {
    const recording = network.record(given);
    const made = new Map<string, number[]>();
    recording.backward(gradient, ({ name, gradient: part }) => {
      made.set(name, [...(made.get(name) ?? []), ...part.dataSync()]);
    });
    recording.dispose();
    return made;
  }

  /** Enough for some to be left out where few teach. */
  const COUNT = 12;

  for (const { teaching, what } of [
    { teaching: (row: number) => row >= 0, what: 'every picture teaches' },
    { teaching: (row: number) => row === 9, what: 'one picture of many teaches' },
    { teaching: (row: number) => row < 0, what: 'no picture teaches' },
  ])
    it(`hands out the gradients that tfjs derives by itself, of trained parameters only, when ${what}`, () => {
      const network = makeNetwork();
      const names = parametersOf(smallGraph)
        .filter(({ trainable }) => trainable)
        .map(({ name }) => name);
      tf.tidy(() => {
        const weights = plainWeights();
        const frozen = frozenReference(somePixels(COUNT), weights);
        const rows = Array.from({ length: COUNT }, (_, row) => Number(teaching(row)));
        const gradient: Tensor = some([COUNT, 6], 5).mul(tf.tensor2d(rows, [COUNT, 1]));
        const expected = tf.grads((...given: Tensor[]) =>
          trainedReference(frozen, {
            ...weights,
            ...Object.fromEntries(names.map((name, i) => [name, given[i] as Tensor])),
          }),
        )(
          names.map((name) => weights[name] as Tensor),
          gradient,
        );

        const made = gradientsOf(network, { frozen }, gradient);

        assert.deepEqual([...made.keys()].toSorted(), names.toSorted());
        assert.ok(names.every((name) => !name.startsWith('below') && !name.includes('moving')));
        for (const [i, name] of names.entries()) {
          assertClose(made.get(name) ?? [], expected[i]?.dataSync() ?? [], {
            what: name,
            floor: 0.1,
            tolerance: 1e-3,
          });
        }
      });
      network.dispose();
    });

  it('is the same from pixels as from the cached output of the frozen part', () => {
    const network = makeNetwork();
    tf.tidy(() => {
      const pixels = somePixels(3);
      const gradient = some([3, 6], 5);
      const { frozen } = network.forward({ [PIXELS]: pixels }, ['frozen']) as { frozen: Tensor };
      assert.deepEqual(
        gradientsOf(network, { [PIXELS]: pixels }, gradient),
        gradientsOf(network, { frozen }, gradient),
      );
    });
    network.dispose();
  });

  it('goes from the last node to the first', () => {
    const network = makeNetwork();
    tf.tidy(() => {
      const order = [...gradientsOf(network, { [PIXELS]: somePixels(1) }, some([1, 6], 5)).keys()];
      const nodes = [...new Set(order.map((name) => name.split('/')[0]))];
      assert.deepEqual(nodes, ['last', 'norm', 'dense', 'right', 'right_bn', 'left', 'left_bn']);
    });
    network.dispose();
  });

  it('leaves the gradient at the output to the caller, and no tensors over many steps', () => {
    const network = makeNetwork();
    const pixels = somePixels(2);
    const gradient = some([2, 6], 5);
    const step = (): void => {
      const recording = network.record({ [PIXELS]: pixels });
      recording.backward(gradient, () => undefined);
      recording.dispose();
    };
    step();
    assert.equal(
      left(() => [1, 2, 3].forEach(step)),
      0,
    );
    assert.equal(gradient.isDisposed, false);
    assert.equal(pixels.isDisposed, false);
    network.dispose();
    tf.dispose([pixels, gradient]);
  });

  it('leaves no tensors when it is recorded and never run backward', () => {
    const network = makeNetwork();
    const pixels = somePixels(2);
    network.record({ [PIXELS]: pixels }).dispose();
    assert.equal(
      left(() => network.record({ [PIXELS]: pixels }).dispose()),
      0,
    );
    network.dispose();
    pixels.dispose();
  });
});

describe('a network that is not needed any more', () => {
  it('gives back every tensor and variable', () => {
    const [tensors, variables] = [tf.memory().numTensors, liveVariables()];
    const network = makeNetwork();
    tf.tidy(() => void network.forward({ [PIXELS]: somePixels(1) }));
    assert.ok(liveVariables() > variables);
    network.dispose();
    assert.equal(tf.memory().numTensors, tensors);
    assert.equal(liveVariables(), variables);
  });
});
