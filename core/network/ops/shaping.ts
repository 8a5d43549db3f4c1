/** Operations without weights that move numbers about: flatten, concatenate, add, pool. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation } from './operation.ts';

/** (N, ...) -> (N, product), row-major. */
export interface FlattenNode extends NodeBase {
  readonly op: 'flatten';
}

export const flatten: Operation<FlattenNode> = {
  outputShape: (_node, inputs) => [single(inputs).reduce((a, b) => a * b, 1)],
  forward(_node, inputs) {
    const x = single(inputs);
    return x.reshape([x.shape[0], -1]);
  },
  onnx(writer, node, inputs, output) {
    const { name, shape } = single(inputs);
    // Maps have their channels first there, but are flattened with their channels last.
    const moved =
      shape.length === 3
        ? writer.node('Transpose', [name], `${node.name}/moved`, { perm: [0, 2, 3, 1] })
        : name;
    writer.node('Flatten', [moved], output, { axis: 1 });
  },
  inputGradients: ({ inputs, gradient }, _weights, needed) => [
    single(needed) ? gradient.reshape(single(inputs).shape) : null,
  ],
};

/** Vectors side by side: (N,a), (N,b) -> (N,a+b). */
export interface ConcatNode extends NodeBase {
  readonly op: 'concat';
}

export const concat: Operation<ConcatNode> = {
  outputShape: (_node, inputs) => [inputs.reduce((sum, shape) => sum + (shape[0] ?? 0), 0)],
  forward: (_node, inputs) => tf.concat([...inputs], 1),
  onnx(writer, _node, inputs, output) {
    writer.node(
      'Concat',
      inputs.map(({ name }) => name),
      output,
      { axis: 1 },
    );
  },
  inputGradients({ inputs, gradient }, _weights, needed) {
    let start = 0;
    return inputs.map((input, i) => {
      const width = input.shape[1] as number;
      const part = needed[i] ? tf.slice(gradient, [0, start], [-1, width]) : null;
      start += width;
      return part;
    });
  },
};

/** The sum of equal shapes; the shortcut of a residual block. */
export interface AddNode extends NodeBase {
  readonly op: 'add';
}

export const add: Operation<AddNode> = {
  outputShape: (_node, inputs) => inputs[0] ?? [],
  forward: (_node, inputs) => tf.addN([...inputs]),
  onnx(writer, _node, inputs, output) {
    writer.node(
      'Sum',
      inputs.map(({ name }) => name),
      output,
    );
  },
  inputGradients: ({ gradient }, _weights, needed) =>
    needed.map((wanted) => (wanted ? gradient.clone() : null)),
};

/** The mean over height and width: (N,h,w,c) -> (N,c). */
export interface GlobalAveragePoolNode extends NodeBase {
  readonly op: 'global-average-pool';
}

export const globalAveragePool: Operation<GlobalAveragePoolNode> = {
  outputShape: (_node, inputs) => [single(inputs)[2] ?? 0],
  forward: (_node, inputs) => single(inputs).mean([1, 2]),
  onnx(writer, node, inputs, output) {
    const pooled = writer.node('GlobalAveragePool', [single(inputs).name], `${node.name}/maps`);
    writer.node('Flatten', [pooled], output, { axis: 1 });
  },
  inputGradients({ inputs, gradient }, _weights, needed) {
    if (!single(needed)) return [null];
    const [n, height, width, channels] = single(inputs).shape as [number, number, number, number];
    const share = gradient.div(height * width).reshape([n, 1, 1, channels]);
    return [tf.broadcastTo(share, [n, height, width, channels])];
  },
};

/** Maximum over windows. Only used below the part that is trained, so it has no gradient. */
export interface MaxPoolNode extends NodeBase {
  readonly op: 'max-pool';
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
}

export const maxPool: Operation<MaxPoolNode> = {
  outputShape(node, inputs) {
    const [height = 0, width = 0, channels = 0] = single(inputs);
    const side = (n: number): number => Math.floor((n + 2 * node.padding - node.size) / node.stride) + 1;
    return [side(height), side(width), channels];
  },
  forward(node, inputs) {
    const p = node.padding;
    const padded = tf.pad(single(inputs), [
      [0, 0],
      [p, p],
      [p, p],
      [0, 0],
    ]);
    return tf.maxPool(padded as Tensor & { rank: 4 } as never, node.size, node.stride, 'valid');
  },
  onnx(writer, node, inputs, output) {
    const { name } = single(inputs);
    const p = node.padding;
    const pooling = { kernel_shape: [node.size, node.size], strides: [node.stride, node.stride] };
    // Beyond the border there are zeros here, and less than any number there: the same where nothing is negative.
    if (p === 0 || (writer.isRectified(name) && p < node.size)) {
      writer.node('MaxPool', [name], output, { ...pooling, pads: [p, p, p, p] });
      return;
    }
    const pads = writer.integers(`${node.name}/pads`, [0, 0, p, p, 0, 0, p, p]);
    writer.node('MaxPool', [writer.node('Pad', [name, pads], `${node.name}/padded`)], output, pooling);
  },
};
