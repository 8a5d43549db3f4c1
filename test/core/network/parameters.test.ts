import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import { PIXELS } from '../../../core/network/graph.ts';
import type { NetworkGraph, PlacedParameter } from '../../../core/network/graph.ts';
import { ParameterStore, firstOf, fresh, fromFile } from '../../../core/network/parameters.ts';
import type { WeightFile } from '../../../core/network/weight-file.ts';
import { SafetensorsFile, writeSafetensors } from '../../../core/network/safetensors.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { Random } from '../../../core/random.ts';
import { smallGraph, smallWeights } from './small.ts';

const WIDTH = 1100;
/** A trained matrix of 1100 x 3072, which is kept in pieces, above a frozen one, which is not. */
const wide: NetworkGraph = {
  inputSize: 32,
  nodes: [
    { op: 'flatten', name: 'flat', inputs: [PIXELS] },
    { op: 'dense', name: 'below', inputs: ['flat'], units: WIDTH },
    { op: 'dense', name: 'dense', inputs: ['below'], units: 3072 },
  ],
  output: 'dense',
  trainableAfter: 'below',
};

const counting = ({ shape }: PlacedParameter, start: number, count: number): Float32Array => {
  const perRow = shape[1] ?? 1;
  return Float32Array.from({ length: count * perRow }, (_, i) => start * perRow + i);
};

describe('the parameters of a network', () => {
  it('keep a large trained matrix in pieces of a few MiB, in order, and a frozen one whole', () => {
    const store = new ParameterStore(wide, counting);
    tf.tidy(() => {
      const pieces = store.read('dense/kernel');
      assert.ok(pieces.length > 1);
      assert.ok(pieces.every(({ size }) => size <= 2 ** 21));
      assert.deepEqual(
        tf.concat(pieces, 0).dataSync(),
        counting({ shape: [WIDTH, 3072] } as unknown as PlacedParameter, 0, WIDTH),
      );
      assert.deepEqual(
        store.read('below/kernel').map(({ shape }) => shape),
        [[3072, WIDTH]],
      );
    });
    store.dispose();
  });

  it('are written to a file and restored from it', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-parameters-'));
    const [first, second] = [smallWeights, fresh(new Random(3))].map(
      (weights) => new ParameterStore(smallGraph, weights),
    ) as [ParameterStore, ParameterStore];
    const file = path.join(folder, 'weights');
    const trained = (spec: PlacedParameter): boolean => spec.trainable;
    await writeSafetensors(file, first.sources(trained));
    const read = new SafetensorsFile(file);

    second.restore(read);

    const numbers = (store: ParameterStore) =>
      [...store.variables()].map(({ name, piece, variable }) => [name, piece, variable.numbers()]);
    assert.deepEqual(numbers(second), numbers(first));
    assert.ok(read.names().every((name) => !name.includes('moving')));
    read.close();
    first.dispose();
    second.dispose();
    rmSync(folder, { recursive: true });
  });

  it('are not restored from arrays of other shapes', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-parameters-'));
    const store = new ParameterStore(smallGraph, smallWeights);
    const file = path.join(folder, 'weights');
    const turned = store.sources().map((source) => ({ ...source, shape: source.shape.toReversed() }));
    await writeSafetensors(file, turned);
    const read = new SafetensorsFile(file);
    assert.throws(() => store.restore(read), InvalidInputError);
    read.close();
    store.dispose();
    rmSync(folder, { recursive: true });
  });

  it('say which one there is not', () => {
    const store = new ParameterStore(smallGraph, smallWeights);
    assert.throws(() => store.read('nothing'), InvalidInputError);
    assert.throws(() => store.variable('below/kernel', 0), InvalidInputError);
    assert.throws(() => store.variable('dense/kernel', 1), InvalidInputError);
    store.dispose();
  });

  it('leave no variable and no tensor behind', () => {
    const [live, tensors] = [liveVariables(), tf.memory().numTensors];
    const store = new ParameterStore(smallGraph, smallWeights);
    for (const source of store.sources())
      for (const piece of source.pieces() as Iterable<Float32Array>) assert.ok(piece.length > 0);
    store.dispose();
    assert.equal(liveVariables(), live);
    assert.equal(tf.memory().numTensors, tensors);
  });
});

describe('weights that are drawn', () => {
  const spec = (shape: number[], initial: PlacedParameter['initial']): PlacedParameter => ({
    name: 'w',
    node: 'n',
    shape,
    initial,
    trainable: true,
  });

  it('are uniform within the limit of Glorot and Bengio, and the same for a seed', () => {
    const shapes: [number[], number][] = [
      [[100, 60], Math.sqrt(6 / 160)],
      [[3, 3, 16, 32], Math.sqrt(6 / (9 * 48))],
    ];
    for (const [shape, limit] of shapes) {
      const drawn = fresh(new Random(1))(spec(shape, 'glorot-uniform'), 0, shape[0] as number);
      const again = fresh(new Random(1))(spec(shape, 'glorot-uniform'), 0, shape[0] as number);
      const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
      const square = drawn.reduce((a, b) => a + b * b, 0) / drawn.length;
      assert.deepEqual(drawn, again);
      assert.notDeepEqual(drawn, fresh(new Random(2))(spec(shape, 'glorot-uniform'), 0, shape[0] as number));
      assert.ok(drawn.every((x) => Math.abs(x) <= limit));
      assert.ok(Math.abs(mean) < 0.05 * limit, `mean ${mean}`);
      assert.ok(Math.abs(square / (limit ** 2 / 3) - 1) < 0.05, `mean square ${square}`);
    }
  });

  it('are zeros and ones where they should be', () => {
    assert.deepEqual(fresh(new Random(1))(spec([3], 'zeros'), 0, 3), new Float32Array(3));
    assert.deepEqual(fresh(new Random(1))(spec([3], 'ones'), 0, 3), Float32Array.of(1, 1, 1));
  });
});

describe('weights of a file', () => {
  const file: WeightFile = {
    has: (name) => name === 'w',
    shape: () => [2, 2],
    read: (_name, start, count) => Float32Array.of(1, 2, 3, 4).slice(2 * start, 2 * (start + count)),
  };
  const spec = (name: string, shape: number[]): PlacedParameter => ({
    name,
    node: 'n',
    shape,
    initial: 'ones',
    trainable: true,
  });

  it('are taken by rows', () => {
    assert.deepEqual(fromFile(file)(spec('w', [2, 2]), 1, 1), Float32Array.of(3, 4));
  });

  it('of another shape are refused, naming both shapes', () => {
    assert.throws(
      () => fromFile(file)(spec('w', [4]), 0, 4),
      (error: unknown) => error instanceof InvalidInputError && /\[2,2\].*\[4\]/.test(error.message),
    );
  });

  it('come first, and what the file lacks comes from elsewhere', () => {
    const either = firstOf(file, fresh(new Random(1)));
    assert.deepEqual(either(spec('w', [2, 2]), 0, 2), Float32Array.of(1, 2, 3, 4));
    assert.deepEqual(either(spec('v', [3]), 0, 3), Float32Array.of(1, 1, 1));
  });
});
