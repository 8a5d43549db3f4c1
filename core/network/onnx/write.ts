/**
 * A network as an ONNX model: RGB pixels 0..255, float32 (pictures, side, side, 3), to embeddings (pictures, dimensions).
 *
 * Inside, maps are (pictures, channels, height, width), as ONNX has them. Batch normalisation is folded into the
 * convolutions; what two input sizes share is stored once.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { InvalidInputError } from '../../errors.ts';
import { PIXELS, shapesOf } from '../graph.ts';
import { operationOf } from '../ops/index.ts';
import type { NetworkNode } from '../ops/index.ts';
import type { Shape } from '../ops/operation.ts';
import type { SavedNetwork } from '../saved-network.ts';
import { writeAll } from '../write-all.ts';
import { modelOf, valueInfo } from './model.ts';
import { ONNX_INPUT, ONNX_OUTPUT } from './names.ts';
import { OnnxWriter } from './writer.ts';
import type { Precision } from './writer.ts';

/** Protocol Buffers count a message's bytes in 31 bits. */
const LARGEST_FILE = 2 ** 31;

/** A dimension of any size. */
const PICTURES = 'pictures';

/**
 * Writes the model to a file that does not exist; weights are read array by array while it is written.
 * @param precision of the weights @default mixed
 * @throws InvalidInputError when it is too large for one
 */
export function writeOnnx(file: string, network: SavedNetwork, precision: Precision = 'mixed'): void {
  const message = onnxOf(network, precision);
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

function onnxOf({ graph, preprocessing, weights }: SavedNetwork, precision: Precision) {
  const { inputSize: size, nodes, output } = graph;
  const rectified = new Set(nodes.filter(({ relu }) => relu).map(({ name }) => name));
  const writer = new OnnxWriter(weights, rectified, precision);
  const shapes = shapesOf(graph);
  const maps = writer.node('Transpose', [ONNX_INPUT], `${PIXELS}/maps`, { perm: [0, 3, 1, 2] });
  for (const node of nodes) writeNode(writer, node, shapes, maps);
  if (output !== ONNX_OUTPUT) writer.node('Identity', [output], ONNX_OUTPUT);
  return modelOf(
    {
      nodes: writer.nodes,
      initializers: [...writer.initializers.values()],
      inputs: [valueInfo(ONNX_INPUT, [PICTURES, size, size, 3])],
      output: valueInfo(ONNX_OUTPUT, [PICTURES, ...(shapes.get(output) ?? [])]),
    },
    { kindred: JSON.stringify({ preprocessing }) },
  );
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
