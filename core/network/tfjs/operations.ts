/** What each operation of a network is in TensorFlow's terms. */
import type { GraphWriter } from './graph-writer.ts';
import { FLOAT, ints, text } from './graph-writer.ts';
import { foldedName } from '../ops/conv.ts';
import { IMAGENET_MEAN_BGR } from '../ops/caffe-preprocess.ts';
import type { NetworkNode } from '../ops/index.ts';
import { SMALLEST_LENGTH } from '../ops/l2-normalize.ts';
import { windowsOf } from '../ops/pooling.ts';
import type { Shape } from '../ops/operation.ts';

/** Shapes of what a node is given first and of what it gives, a picture's. */
export interface NodeShapes {
  readonly input: Shape;
  readonly output: Shape;
}

/** Writes the node's operation; its last TensorFlow node is called `output`. */
type WriteOperation<N extends NetworkNode> = (
  writer: GraphWriter,
  node: N,
  output: string,
  input: string,
  shapes: NodeShapes,
) => void;

type OperationWriters = {
  readonly [O in NetworkNode['op']]: WriteOperation<Extract<NetworkNode, { readonly op: O }>>;
};

const writers: OperationWriters = {
  'caffe-preprocess'(writer, node, output, input) {
    const reversed = writer.node(
      `${node.name}/bgr`,
      'ReverseV2',
      [input, writer.ints(`${node.name}/axis`, [-1])],
      { ...FLOAT, Tidx: { type: 'DT_INT32' } },
    );
    writer.node(output, 'Sub', [reversed, writer.floats(`${node.name}/mean`, IMAGENET_MEAN_BGR)]);
  },

  resize(writer, node, output, input) {
    writer.node(output, 'ResizeBilinear', [input, writer.ints(`${node.name}/size`, [node.size, node.size])], {
      ...FLOAT,
      align_corners: { b: false },
      half_pixel_centers: { b: true },
    });
  },

  conv(writer, node, output, input, shapes) {
    const strides = { strides: ints([1, node.stride, node.stride, 1]), dilations: ints([1, 1, 1, 1]) };
    const same = node.stride === 1 && 2 * node.padding === node.size - 1;
    const padded = same ? input : pad(writer, node, input);
    const padding = text(same ? 'SAME' : 'VALID');
    const attr = { ...FLOAT, ...strides, padding, data_format: text('NHWC'), explicit_paddings: ints([]) };
    const folded = foldedName(node);
    const shape = [node.size, node.size, shapes.input[2] ?? 0, node.filters];
    const kernel = writer.weight(`${folded}/kernel`, shape, true);
    const bias = writer.weight(`${folded}/bias`, [node.filters]);
    const sum = writer.node(`${node.name}/conv2d`, 'Conv2D', [padded, kernel], attr);
    const shortcut = node.inputs[1];
    const biased = shortcut === undefined ? output : `${node.name}/biased`;
    writer.node(biased, 'BiasAdd', [sum, bias], { ...FLOAT, data_format: text('NHWC') });
    if (shortcut !== undefined) writer.node(output, 'AddV2', [biased, shortcut]);
  },

  'max-pool'(writer, node, output, input) {
    writer.node(output, 'MaxPool', [pad(writer, node, input)], {
      ...FLOAT,
      ksize: ints([1, node.size, node.size, 1]),
      strides: ints([1, node.stride, node.stride, 1]),
      padding: text('VALID'),
      data_format: text('NHWC'),
      explicit_paddings: ints([]),
    });
  },

  add(writer, node, output) {
    writer.node(output, 'AddN', node.inputs, { ...FLOAT, N: { i: String(node.inputs.length) } });
  },

  concat(writer, node, output) {
    writer.node(output, 'ConcatV2', [...node.inputs, writer.ints(`${node.name}/axis`, [1], [])], {
      ...FLOAT,
      N: { i: String(node.inputs.length) },
      Tidx: { type: 'DT_INT32' },
    });
  },

  flatten(writer, node, output, input, shapes) {
    reshape(writer, node.name, output, input, shapes.output);
  },

  'global-average-pool'(writer, _node, output, input) {
    reduce(writer, output, 'Mean', input, [1, 2], false);
  },

  'global-max-pool'(writer, _node, output, input) {
    reduce(writer, output, 'Max', input, [1, 2], false);
  },

  'grid-average-pool'(writer, node, output, input, shapes) {
    const { size, strides } = windowsOf(node, shapes.input);
    const cells = writer.node(`${node.name}/cells`, 'AvgPool', [input], {
      ...FLOAT,
      ksize: ints([1, ...size, 1]),
      strides: ints([1, ...strides, 1]),
      padding: text('VALID'),
      data_format: text('NHWC'),
    });
    reshape(writer, node.name, output, cells, shapes.output);
  },

  dense(writer, node, output, input, shapes) {
    const kernel = writer.weight(`${node.name}/kernel`, [shapes.input[0] ?? 0, node.units]);
    const product = node.bias === false ? output : `${node.name}/product`;
    writer.node(product, 'MatMul', [input, kernel], {
      ...FLOAT,
      transpose_a: { b: false },
      transpose_b: { b: false },
    });
    if (node.bias !== false) {
      const bias = writer.weight(`${node.name}/bias`, [node.units]);
      writer.node(output, 'BiasAdd', [product, bias], { ...FLOAT, data_format: text('NHWC') });
    }
  },

  'batch-norm'(writer, node, output, input, shapes) {
    const channels = [shapes.input.at(-1) ?? 0];
    const scale = writer.weight(`${node.name}/scale`, channels);
    const offset = writer.weight(`${node.name}/offset`, channels);
    writer.node(output, 'AddV2', [writer.node(`${node.name}/scaled`, 'Mul', [input, scale]), offset]);
  },

  'l2-normalize'(writer, node, output, input) {
    const squares = writer.node(`${node.name}/squares`, 'Square', [input]);
    const sum = reduce(writer, `${node.name}/sum`, 'Sum', squares, [1], true);
    const length = writer.node(`${node.name}/length`, 'Sqrt', [sum]);
    const safe = writer.node(`${node.name}/safe`, 'Maximum', [
      length,
      writer.floats(`${node.name}/smallest`, [SMALLEST_LENGTH], []),
    ]);
    writer.node(output, 'RealDiv', [input, safe]);
  },
};

/** Writes what the node does; the last TensorFlow node carries the node's own name. */
export function writeNode(writer: GraphWriter, node: NetworkNode, shapes: NodeShapes): void {
  const { name, op, inputs } = node;
  const output = node.relu ? `${name}/linear` : name;
  const write = writers[op] as WriteOperation<NetworkNode>;
  write(writer, node, output, inputs[0] as string, shapes);
  if (node.relu) writer.node(name, 'Relu', [output]);
}

function reduce(
  writer: GraphWriter,
  name: string,
  op: string,
  input: string,
  axes: readonly number[],
  keep: boolean,
): string {
  return writer.node(name, op, [input, writer.ints(`${name}/axes`, axes)], {
    ...FLOAT,
    Tidx: { type: 'DT_INT32' },
    keep_dims: { b: keep },
  });
}

function reshape(writer: GraphWriter, name: string, output: string, input: string, shape: Shape): void {
  writer.node(output, 'Reshape', [input, writer.ints(`${name}/shape`, [-1, ...shape])], {
    ...FLOAT,
    Tshape: { type: 'DT_INT32' },
  });
}

function pad(writer: GraphWriter, node: { name: string; padding: number }, input: string): string {
  const p = node.padding;
  if (p === 0) return input;
  const paddings = writer.ints(`${node.name}/paddings`, [0, 0, p, p, p, p, 0, 0], [4, 2]);
  return writer.node(`${node.name}/padded`, 'Pad', [input, paddings], {
    ...FLOAT,
    Tpaddings: { type: 'DT_INT32' },
  });
}
