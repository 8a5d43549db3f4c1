/**
 * A network as an ONNX model: RGB pixels 0..255, float32 (pictures, side, side, 3), to embeddings (pictures, dimensions).
 *
 * Inside, maps are (pictures, channels, height, width), as ONNX has them. Batch normalisation is folded into the
 * convolutions; what two input sizes share is stored once.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { InvalidInputError } from '../../errors.ts';
import { PIXELS, shapesOf } from '../graph.ts';
import type { NetworkGraph } from '../graph.ts';
import { operationOf } from '../ops/index.ts';
import type { NetworkNode } from '../ops/index.ts';
import type { Shape } from '../ops/operation.ts';
import type { WeightFile } from '../weight-file.ts';
import type { SavedNetwork } from '../saved-network.ts';
import { writeAll } from '../write-all.ts';
import { modelOf, valueInfo } from './model.ts';
import { METADATA, ONNX_INPUT, ONNX_OUTPUT } from './names.ts';
import { OnnxWriter } from './writer.ts';
import type { Precision } from './writer.ts';
import type { SharedWeights } from './shared-weights.ts';

/** Protocol Buffers count a message's bytes in 31 bits. */
const LARGEST_FILE = 2 ** 31;

/** A dimension of any size. */
const PICTURES = 'pictures';

export interface OnnxOptions {
  /** Of the weights. @default mixed */
  readonly precision?: Precision;
  /** A file that has arrays of the network; they are named there in place of being written. @default none */
  readonly shared?: SharedWeights | null;
}

/**
 * Writes the model to a file that does not exist; weights are read array by array while it is written.
 * @throws InvalidInputError when it is too large for one
 */
export function writeOnnx(
  file: string,
  network: SavedNetwork,
  { precision = 'mixed', shared = null }: OnnxOptions = {},
): void {
  const message = onnxOf(network, precision, shared);
  if (message.length >= LARGEST_FILE) {
    const size = `${Math.round(message.length / 1e6)} MB`;
    throw new InvalidInputError(
      `The network takes ${size} as an ONNX model; 2147 MB fit in one. Make its layers smaller.`,
    );
  }
  const descriptor = openSync(file, 'wx');
  try {
    for (const piece of message.pieces()) writeAll(descriptor, piece);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function onnxOf(
  { graph, preprocessing, weights }: SavedNetwork,
  precision: Precision,
  shared: SharedWeights | null,
) {
  const { inputSize: size, output } = graph;
  const { writer, shapes } = written(graph, weights, precision);
  if (output !== ONNX_OUTPUT) writer.node('Identity', [output], ONNX_OUTPUT);
  return modelOf(
    {
      nodes: writer.nodes,
      initializers: writer.initializers(shared),
      inputs: [valueInfo(ONNX_INPUT, [PICTURES, size, size, 3])],
      output: valueInfo(ONNX_OUTPUT, [PICTURES, ...(shapes.get(output) ?? [])]),
    },
    { [METADATA]: JSON.stringify({ graph, preprocessing }) },
  );
}

/** A graph's nodes and arrays in ONNX's terms. */
export function written(
  graph: NetworkGraph,
  weights: WeightFile,
  precision: Precision,
): { readonly writer: OnnxWriter; readonly shapes: ReadonlyMap<string, Shape> } {
  const rectified = new Set(graph.nodes.filter(({ relu }) => relu).map(({ name }) => name));
  const writer = new OnnxWriter(weights, rectified, precision);
  const shapes = shapesOf(graph);
  const maps = writer.node('Transpose', [ONNX_INPUT], `${PIXELS}/maps`, { perm: [0, 3, 1, 2] });
  for (const node of graph.nodes) writeNode(writer, node, shapes, maps);
  return { writer, shapes };
}

function writeNode(
  writer: OnnxWriter,
  node: NetworkNode,
  shapes: ReadonlyMap<string, Shape>,
  pixels: string,
): void {
  const output = node.relu ? `${node.name}/linear` : node.name;
  const inputs = node.inputs.map((name) => ({
    name: name === PIXELS ? pixels : name,
    shape: shapes.get(name) ?? [],
  }));
  operationOf(node).onnx(writer, node, inputs, output);
  if (node.relu) writer.node('Relu', [output], node.name);
}
