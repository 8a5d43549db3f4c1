/** A small network with everything that the large ones have, and the same maths in plain tfjs operations. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import { PIXELS, parametersOf } from '../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import type { NetworkNode } from '../../../core/network/ops/index.ts';
import type { WeightSource } from '../../../core/network/parameters.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { normals } from '../../support/numbers.ts';

const EPSILON = 1e-3;

const conv = (name: string, input: string, size: number, stride: number, relu: boolean): NetworkNode => ({
  op: 'conv',
  name,
  weights: name,
  batchNorm: `${name}_bn`,
  inputs: [input],
  filters: 4,
  size,
  stride,
  padding: (size - 1) / 2,
  epsilon: EPSILON,
  relu,
});

/**
 * conv, pool | conv > conv + shortcut > flatten > dense > batch norm | beside the pooled map > unit length.
 * `left` is used twice, so that its gradient comes from two sides.
 */
export const smallGraph: NetworkGraph = {
  inputSize: 8,
  nodes: [
    { op: 'caffe-preprocess', name: 'preprocess', inputs: [PIXELS] },
    conv('below', 'preprocess', 3, 2, true),
    { op: 'max-pool', name: 'frozen', inputs: ['below'], size: 3, stride: 1, padding: 1 },
    conv('left', 'frozen', 3, 1, true),
    conv('right', 'left', 1, 1, false),
    { op: 'add', name: 'sum', inputs: ['left', 'right'], relu: true },
    { op: 'flatten', name: 'flat', inputs: ['sum'] },
    { op: 'dense', name: 'dense', inputs: ['flat'], units: 5, relu: true },
    { op: 'batch-norm', name: 'norm', inputs: ['dense'], epsilon: EPSILON },
    { op: 'global-average-pool', name: 'pooled', inputs: ['sum'] },
    { op: 'concat', name: 'both', inputs: ['norm', 'pooled'] },
    { op: 'dense', name: 'last', inputs: ['both'], units: 6, bias: false },
    { op: 'l2-normalize', name: 'embedding', inputs: ['last'] },
  ],
  output: 'embedding',
  trainableAfter: 'frozen',
};

const seedOf = (name: string): number => Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);

/** Always the same numbers for a name; variances positive. */
export const smallWeights: WeightSource = ({ name, shape }, start, count) => {
  const perRow = shape.slice(1).reduce((a, b) => a * b, 1);
  const all = normals(
    shape.reduce((a, b) => a * b, 1),
    seedOf(name),
  ).map((x) => 0.4 * x);
  const safe = name.endsWith('variance') ? all.map((x) => x * x + 0.5) : all;
  return safe.slice(start * perRow, (start + count) * perRow);
};

/** Normally distributed around mid-grey: (count, 8, 8, 3). */
export function somePixels(count: number, seed = 1): Tensor4D {
  const { inputSize } = smallGraph;
  const numbers = normals(count * inputSize * inputSize * 3, seed).map((x) => 128 + 40 * x);
  return tf.tensor4d(numbers, [count, inputSize, inputSize, 3]);
}

/** Every parameter whole, by name; call it in a tf.tidy. */
export function plainWeights(): Record<string, Tensor> {
  return Object.fromEntries(
    parametersOf(smallGraph).map((spec) => [
      spec.name,
      tf.tensor(smallWeights(spec, 0, spec.shape[0] ?? 1), [...spec.shape]),
    ]),
  );
}

type Weights = Readonly<Record<string, Tensor>>;
const of = (weights: Weights, name: string): Tensor => weights[name] as Tensor;

function normalise(x: Tensor, weights: Weights, name: string): Tensor {
  return x
    .sub(of(weights, `${name}/moving_mean`))
    .div(of(weights, `${name}/moving_variance`).add(EPSILON).sqrt())
    .mul(of(weights, `${name}/gamma`))
    .add(of(weights, `${name}/beta`));
}

function convolve(x: Tensor, weights: Weights, name: string, stride: number): Tensor {
  const kernel = of(weights, `${name}/kernel`) as Tensor4D;
  const p = (kernel.shape[0] - 1) / 2;
  const padded = tf.pad(x, [
    [0, 0],
    [p, p],
    [p, p],
    [0, 0],
  ]) as Tensor4D;
  return normalise(
    tf.conv2d(padded, kernel, stride, 'valid').add(of(weights, `${name}/bias`)),
    weights,
    `${name}_bn`,
  );
}

/** What of the small network is not trained: from pixels to `frozen`. */
export function frozenReference(pixels: Tensor4D, weights: Weights): Tensor4D {
  const seen = tf.reverse(pixels, -1).sub(tf.tensor1d([103.939, 116.779, 123.68]));
  const below = convolve(seen, weights, 'below', 2).relu();
  return tf.maxPool(
    tf.pad(below, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]) as Tensor4D,
    3,
    1,
    'valid',
  );
}

/** What is trained: from `frozen` to the embedding. */
export function trainedReference(frozen: Tensor, weights: Weights): Tensor {
  const left = convolve(frozen, weights, 'left', 1).relu();
  const sum = left.add(convolve(left, weights, 'right', 1)).relu();
  const flat = sum.reshape([sum.shape[0], -1]) as Tensor2D;
  const hidden = tf
    .matMul(flat, of(weights, 'dense/kernel') as Tensor2D)
    .add(of(weights, 'dense/bias'))
    .relu();
  const both = tf.concat([normalise(hidden, weights, 'norm'), sum.mean([1, 2])], 1) as Tensor2D;
  const last = tf.matMul(both, of(weights, 'last/kernel'));
  return last.div(last.square().sum(1, true).sqrt());
}
