/** Each row divided by its Euclidean length: x / max(|x|, epsilon). */
import type { Tensor } from '@tensorflow/tfjs-node';
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation } from './operation.ts';

export interface L2NormalizeNode extends NodeBase {
  readonly op: 'l2-normalize';
}

/** Below this length a row counts as zero and is left at (nearly) zero instead of being blown up. */
export const SMALLEST_LENGTH = 1e-12;

/** The rows of (n,d), each divided by its length; what the operation does, for those who work on rows outside a network. */
export function unitLength(x: Tensor): Tensor {
  return x.div(tf.maximum(x.square().sum(1, true).sqrt(), SMALLEST_LENGTH));
}

export const l2Normalize: Operation<L2NormalizeNode> = {
  outputShape: (_node, inputs) => single(inputs),
  forward: (_node, inputs) => unitLength(single(inputs)),
  onnx(writer, node, inputs, output) {
    const { name } = single(inputs);
    const length = writer.node('ReduceL2', [name], `${node.name}/length`, { axes: [1], keepdims: 1 });
    const smallest = writer.floats('l2-normalize/smallest', [], [SMALLEST_LENGTH]);
    const safe = writer.node('Max', [length, smallest], `${node.name}/safe`);
    writer.node('Div', [name, safe], output);
  },
  /** With y = x/|x|: dx = (dy - y (y . dy)) / |x|, and 0 for a row of no length, which has no direction to move in. */
  inputGradients({ inputs, gradient }, _weights, needed) {
    if (!single(needed)) return [null];
    const x = single(inputs);
    const actual = x.square().sum(1, true).sqrt();
    const length = tf.maximum(actual, SMALLEST_LENGTH);
    const y = x.div(length);
    const made = gradient.sub(y.mul(y.mul(gradient).sum(1, true))).div(length);
    return [made.mul(actual.greater(SMALLEST_LENGTH).toFloat())];
  },
};
