/**
 * A network as a TensorFlow.js graph model: model.json and weights.bin, which `tf.loadGraphModel` runs as they are.
 * Weights keep their names and are not folded, so that training can go on from them.
 */
import { IMAGENET_MEAN_BGR } from './ops/caffe-preprocess.ts';
import { SMALLEST_LENGTH } from './ops/l2-normalize.ts';
import { PIXELS, parametersOf, shapesOf } from './graph.ts';
import type { NetworkGraph } from './graph.ts';
import type { NetworkNode } from './ops/index.ts';
import type { Shape } from './ops/operation.ts';

/** A node of TensorFlow's GraphDef, as its JSON form has it. */
interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

/** A small array that belongs to the graph itself. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly values: readonly number[];
}

export interface GraphModelTopology {
  readonly topology: { readonly node: readonly NodeDef[]; readonly versions: { readonly producer: number } };
  readonly signature: unknown;
  readonly constants: readonly Constant[];
}

/** The topology in TensorFlow's terms; parameters are inputs by their names. */
export function graphModelTopology(graph: NetworkGraph): GraphModelTopology {
  const writer = new Writer();
  const size = graph.inputSize;
  writer.placeholder(PIXELS, [-1, size, size, 3]);
  for (const { name, shape } of parametersOf(graph)) writer.constantNode(name, shape, 'DT_FLOAT');
  const shapes = shapesOf(graph);
  for (const node of graph.nodes) writeNode(writer, node, shapes.get(node.name) ?? []);
  const dimensions = (shapes.get(graph.output) ?? [])[0];
  return {
    topology: { node: writer.nodes, versions: { producer: 1 } },
    signature: {
      inputs: { [PIXELS]: tensorInfo(PIXELS, [-1, size, size, 3]) },
      outputs: { embedding: tensorInfo(graph.output, [-1, dimensions ?? -1]) },
    },
    constants: writer.constants,
  };
}

const tensorInfo = (name: string, shape: readonly number[]): unknown => ({
  name: `${name}:0`,
  dtype: 'DT_FLOAT',
  tensorShape: dimensionsOf(shape),
});

const dimensionsOf = (shape: readonly number[]): unknown => ({
  dim: shape.map((size) => ({ size: String(size) })),
});

const FLOAT = { T: { type: 'DT_FLOAT' } };
const text = (value: string): unknown => ({ s: Buffer.from(value).toString('base64') });
const ints = (values: readonly number[]): unknown => ({ list: { i: values.map(String) } });

class Writer {
  readonly nodes: NodeDef[] = [];
  readonly constants: Constant[] = [];

  node(
    name: string,
    op: string,
    input: readonly string[],
    attr: Readonly<Record<string, unknown>> = FLOAT,
  ): string {
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  placeholder(name: string, shape: readonly number[]): void {
    this.node(name, 'Placeholder', [], {
      dtype: { type: 'DT_FLOAT' },
      shape: { shape: dimensionsOf(shape) },
    });
  }

  constantNode(name: string, shape: readonly number[], dtype: 'DT_FLOAT' | 'DT_INT32'): void {
    this.node(name, 'Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, tensorShape: dimensionsOf(shape) } },
    });
  }

  floats(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    this.constants.push({ name, shape, dtype: 'float32', values });
    this.constantNode(name, shape, 'DT_FLOAT');
    return name;
  }

  ints(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    this.constants.push({ name, shape, dtype: 'int32', values });
    this.constantNode(name, shape, 'DT_INT32');
    return name;
  }
}

/** Writes what the node does; the last TensorFlow node carries the node's own name. */
function writeNode(writer: Writer, node: NetworkNode, shape: Shape): void {
  const { name, inputs } = node;
  const output = node.relu ? `${name}/linear` : name;
  const first = inputs[0] as string;
  writeOperation(writer, node, output, first, shape);
  if (node.relu) writer.node(name, 'Relu', [output]);
}

function writeOperation(
  writer: Writer,
  node: NetworkNode,
  output: string,
  input: string,
  shape: Shape,
): void {
  const { name, inputs } = node;
  const inner = (part: string): string => `${name}/${part}`;
  switch (node.op) {
    case 'caffe-preprocess': {
      const reversed = writer.node(inner('bgr'), 'ReverseV2', [input, writer.ints(inner('axis'), [-1])], {
        ...FLOAT,
        Tidx: { type: 'DT_INT32' },
      });
      writer.node(output, 'Sub', [reversed, writer.floats(inner('mean'), IMAGENET_MEAN_BGR)]);
      return;
    }
    case 'resize':
      writer.node(output, 'ResizeBilinear', [input, writer.ints(inner('size'), [node.size, node.size])], {
        ...FLOAT,
        align_corners: { b: false },
        half_pixel_centers: { b: true },
      });
      return;
    case 'conv': {
      const padded = pad(writer, node, input);
      const strides = { strides: ints([1, node.stride, node.stride, 1]), dilations: ints([1, 1, 1, 1]) };
      const same = node.stride === 1 && 2 * node.padding === node.size - 1;
      const padding = text(same ? 'SAME' : 'VALID');
      const attr = { ...FLOAT, ...strides, padding, data_format: text('NHWC'), explicit_paddings: ints([]) };
      const sum = writer.node(
        inner('conv2d'),
        'Conv2D',
        [same ? input : padded, `${node.weights}/kernel`],
        attr,
      );
      const biased = writer.node(inner('biased'), 'BiasAdd', [sum, `${node.weights}/bias`], {
        ...FLOAT,
        data_format: text('NHWC'),
      });
      const norm = (part: string): string => `${node.batchNorm}/${part}`;
      const shortcut = inputs[1];
      const normalised = shortcut === undefined ? output : inner('normalised');
      writer.node(
        normalised,
        'FusedBatchNormV3',
        [biased, norm('gamma'), norm('beta'), norm('moving_mean'), norm('moving_variance')],
        {
          ...FLOAT,
          U: { type: 'DT_FLOAT' },
          epsilon: { f: node.epsilon },
          is_training: { b: false },
          data_format: text('NHWC'),
        },
      );
      if (shortcut !== undefined) writer.node(output, 'AddV2', [normalised, shortcut]);
      return;
    }
    case 'max-pool':
      writer.node(output, 'MaxPool', [pad(writer, node, input)], {
        ...FLOAT,
        ksize: ints([1, node.size, node.size, 1]),
        strides: ints([1, node.stride, node.stride, 1]),
        padding: text('VALID'),
        data_format: text('NHWC'),
        explicit_paddings: ints([]),
      });
      return;
    case 'add':
      writer.node(output, 'AddN', inputs, { ...FLOAT, N: { i: String(inputs.length) } });
      return;
    case 'concat':
      writer.node(output, 'ConcatV2', [...inputs, writer.ints(inner('axis'), [1], [])], {
        ...FLOAT,
        N: { i: String(inputs.length) },
        Tidx: { type: 'DT_INT32' },
      });
      return;
    case 'flatten':
      writer.node(output, 'Reshape', [input, writer.ints(inner('shape'), [-1, ...shape])], {
        ...FLOAT,
        Tshape: { type: 'DT_INT32' },
      });
      return;
    case 'global-average-pool':
      reduce(writer, output, 'Mean', input, [1, 2], false);
      return;
    case 'dense': {
      const product = node.bias === false ? output : inner('product');
      writer.node(product, 'MatMul', [input, `${name}/kernel`], {
        ...FLOAT,
        transpose_a: { b: false },
        transpose_b: { b: false },
      });
      if (node.bias !== false) {
        writer.node(output, 'BiasAdd', [product, `${name}/bias`], { ...FLOAT, data_format: text('NHWC') });
      }
      return;
    }
    case 'batch-norm': {
      const shifted = writer.node(inner('shifted'), 'Sub', [input, `${name}/moving_mean`]);
      const spread = writer.node(inner('spread'), 'AddV2', [
        `${name}/moving_variance`,
        writer.floats(inner('epsilon'), [node.epsilon], []),
      ]);
      const scale = writer.node(inner('scale'), 'Mul', [
        writer.node(inner('rsqrt'), 'Rsqrt', [spread]),
        `${name}/gamma`,
      ]);
      writer.node(output, 'AddV2', [writer.node(inner('scaled'), 'Mul', [shifted, scale]), `${name}/beta`]);
      return;
    }
    case 'l2-normalize': {
      const squares = writer.node(inner('squares'), 'Square', [input]);
      const sum = reduce(writer, inner('sum'), 'Sum', squares, [1], true);
      const length = writer.node(inner('length'), 'Sqrt', [sum]);
      const safe = writer.node(inner('safe'), 'Maximum', [
        length,
        writer.floats(inner('smallest'), [SMALLEST_LENGTH], []),
      ]);
      writer.node(output, 'RealDiv', [input, safe]);
    }
  }
}

function reduce(
  writer: Writer,
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

function pad(writer: Writer, node: { name: string; padding: number }, input: string): string {
  const p = node.padding;
  if (p === 0) return input;
  const paddings = writer.ints(`${node.name}/paddings`, [0, 0, p, p, p, p, 0, 0], [4, 2]);
  return writer.node(`${node.name}/padded`, 'Pad', [input, paddings], {
    ...FLOAT,
    Tpaddings: { type: 'DT_INT32' },
  });
}
