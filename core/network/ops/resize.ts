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

/** About `to / from`, in 32 bits, but not less: so that `from` times it, rounded down, is `to`. */
function factor(from: number, to: number): number {
  const nearest = Math.fround(to / from);
  return nearest * from >= to ? nearest : Math.fround(nearest * (1 + 2 ** -23));
}

export const resize: Operation<ResizeNode> = {
  outputShape: (node, inputs) => [node.size, node.size, single(inputs)[2] ?? 0],
  forward: (node, inputs) =>
    tf.image.resizeBilinear(single(inputs) as Tensor4D, [node.size, node.size], false, true),
  onnx(writer, node, inputs, output) {
    const { name, shape } = single(inputs);
    const factors = [1, 1, factor(shape[0] ?? 1, node.size), factor(shape[1] ?? 1, node.size)];
    const scales = writer.floats(`${node.name}/scales`, [4], factors);
    writer.node('Resize', [name, '', scales], output, {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    });
  },
};
