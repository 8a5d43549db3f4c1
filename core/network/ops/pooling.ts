/** What is left of maps (N,h,w,c) when places are pooled, in other ways than by the plain mean. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../../errors.ts';
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation, Shape } from './operation.ts';

/** The maximum over height and width: (N,h,w,c) -> (N,c). */
export interface GlobalMaxPoolNode extends NodeBase {
  readonly op: 'global-max-pool';
}

export const globalMaxPool: Operation<GlobalMaxPoolNode> = {
  outputShape: (_node, inputs) => [single(inputs)[2] ?? 0],
  forward: (_node, inputs) => single(inputs).max([1, 2]),
  onnx(writer, node, inputs, output) {
    const pooled = writer.node('GlobalMaxPool', [single(inputs).name], `${node.name}/maps`);
    writer.node('Flatten', [pooled], output, { axis: 1 });
  },
  /** Places that share the maximum share the gradient. */
  inputGradients({ inputs, gradient }, _weights, needed) {
    if (!single(needed)) return [null];
    const x = single(inputs);
    const isLargest = x.equal(x.max([1, 2], true)).toFloat();
    return [isLargest.mul(everywhere(gradient)).div(isLargest.sum([1, 2], true))];
  },
};

/**
 * The mean over each cell of a grid, so that it is told where in the picture something is: (N,h,w,c) ->
 * (N, cells * cells * c), cell by cell, row-major. One level of a spatial pyramid (Lazebnik, Schmid and Ponce 2006).
 * Where the side is no multiple of the cells, neighbouring cells overlap.
 */
export interface GridAveragePoolNode extends NodeBase {
  readonly op: 'grid-average-pool';
  /** Cells along each side. */
  readonly cells: number;
}

/** How windows of equal size are laid along a side so that they reach from end to end. */
function windows(side: number, cells: number): { stride: number; size: number } {
  const stride = Math.floor(side / cells);
  return { stride, size: side - (cells - 1) * stride };
}

/** The pooling that it is, for maps of the shape (h,w,c). */
export function windowsOf(
  node: GridAveragePoolNode,
  [height = 0, width = 0]: Shape,
): { size: [number, number]; strides: [number, number] } {
  const [down, across] = [windows(height, node.cells), windows(width, node.cells)];
  return { size: [down.size, across.size], strides: [down.stride, across.stride] };
}

export const gridAveragePool: Operation<GridAveragePoolNode> = {
  outputShape(node, inputs) {
    const [height = 0, width = 0, channels = 0] = single(inputs);
    if (Math.min(height, width) < node.cells) {
      throw new InvalidInputError(
        `'${node.name}' cannot lay ${node.cells} x ${node.cells} cells over a map of ${height} x ${width}; use a larger input or fewer cells`,
      );
    }
    return [node.cells ** 2 * channels];
  },
  forward(node, inputs) {
    const x = single(inputs) as Tensor4D;
    const { size, strides } = windowsOf(node, x.shape.slice(1));
    return tf.avgPool(x, size, strides, 'valid').reshape([x.shape[0], -1]);
  },
  onnx(writer, node, inputs, output) {
    const { name, shape } = single(inputs);
    const { size, strides } = windowsOf(node, shape);
    const attributes = { kernel_shape: size, strides };
    const pooled = writer.node('AveragePool', [name], `${node.name}/cells`, attributes);
    const moved = writer.node('Transpose', [pooled], `${node.name}/moved`, { perm: [0, 2, 3, 1] });
    writer.node('Flatten', [moved], output, { axis: 1 });
  },
  inputGradients({ node, inputs, gradient }, _weights, needed) {
    if (!single(needed)) return [null];
    const [n, height, width, channels] = single(inputs).shape as [number, number, number, number];
    const { size, strides } = windowsOf(node, [height, width]);
    const cells = gradient.reshape([n, node.cells, node.cells, channels]);
    const parts: Tensor[] = [];
    for (let down = 0; down < node.cells; down++) {
      for (let across = 0; across < node.cells; across++) {
        const cell = tf.slice(cells, [0, down, across, 0], [n, 1, 1, channels]).div(size[0] * size[1]);
        const [top, left] = [down * strides[0], across * strides[1]];
        parts.push(
          tf.pad(tf.broadcastTo(cell, [n, size[0], size[1], channels]), [
            [0, 0],
            [top, height - top - size[0]],
            [left, width - left - size[1]],
            [0, 0],
          ]),
        );
      }
    }
    return [tf.addN(parts)];
  },
};

/** (N,c) -> (N,1,1,c). */
function everywhere(pooled: Tensor): Tensor {
  const [n, channels] = pooled.shape as [number, number];
  return pooled.reshape([n, 1, 1, channels]);
}
