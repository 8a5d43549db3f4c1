/** Pictures at another size: bilinear, between the centres of pixels, as TensorFlow 2 resizes. It has no gradient here. */
import type { Tensor4D } from '@tensorflow/tfjs-node';
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation } from './operation.ts';

export interface ResizeNode extends NodeBase {
  readonly op: 'resize';
  /** Side of the square output. */
  readonly size: number;
}

export const resize: Operation<ResizeNode> = {
  outputShape: (node, inputs) => [node.size, node.size, single(inputs)[2] ?? 0],
  forward: (node, inputs) =>
    tf.image.resizeBilinear(single(inputs) as Tensor4D, [node.size, node.size], false, true),
};
