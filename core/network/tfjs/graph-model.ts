/**
 * A version's network as a TensorFlow.js graph model: model.json and weights.bin, which `tf.loadGraphModel` runs as they are.
 * It is made from the ONNX model: the graph from its metadata, the weights from its arrays, batch normalisation folded.
 */
import { CorruptDataError } from '../../errors.ts';
import { parseDescription } from '../graph-schema.ts';
import { PIXELS, shapesOf } from '../graph.ts';
import type { NetworkGraph } from '../graph.ts';
import type { Bytes } from '../onnx/bytes.ts';
import { fromFloat16 } from '../onnx/float16.ts';
import { FLOAT16, FLOAT32 } from '../onnx/model.ts';
import { ONNX_FILE } from '../onnx/names.ts';
import { readArrays, readDescription } from '../onnx/read.ts';
import type { StoredArray } from '../onnx/read.ts';
import { FLOAT16_SUFFIX } from '../onnx/writer.ts';
import { GraphWriter, dimensionsOf } from './graph-writer.ts';
import type { Weight } from './graph-writer.ts';
import { writeNode } from './operations.ts';

const WEIGHTS_FILE = 'weights.bin';

/** The bytes of a file that the model names, by its name; null when there is none. */
export type SharedBytes = (name: string) => Bytes | null;

export interface GraphModelFile {
  readonly name: string;
  readonly content: Iterable<Uint8Array>;
}

/**
 * Both files; weights are read while they are written.
 * @throws CorruptDataError when the model is none that `writeOnnx` wrote
 */
export function graphModelOf(model: Bytes, shared: SharedBytes): GraphModelFile[] {
  const { graph, preprocessing } = parseDescription(readDescription(model), ONNX_FILE);
  const writer = writtenGraph(graph);
  const arrays = readArrays(model);
  const read = (weight: Weight): Float32Array => numbersOf(weight, arrays, model, shared);
  const entries = [
    ...writer.constants.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    ...writer.weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
  ];
  const document = {
    format: 'graph-model',
    generatedBy: 'kindred',
    convertedBy: null,
    userDefinedMetadata: { kindred: { preprocessing } },
    signature: signatureOf(graph),
    modelTopology: { node: writer.nodes, versions: { producer: 1 } },
    weightsManifest: [{ paths: [WEIGHTS_FILE], weights: entries }],
  };
  return [
    { name: 'model.json', content: [new TextEncoder().encode(JSON.stringify(document))] },
    { name: WEIGHTS_FILE, content: contentOf(writer, read) },
  ];
}

function* contentOf(writer: GraphWriter, read: (weight: Weight) => Float32Array): Iterable<Uint8Array> {
  for (const { dtype, values } of writer.constants) {
    yield asBytes(dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values));
  }
  for (const weight of writer.weights) yield asBytes(read(weight));
}

const asBytes = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function writtenGraph(graph: NetworkGraph): GraphWriter {
  const writer = new GraphWriter();
  const size = graph.inputSize;
  writer.placeholder(PIXELS, [-1, size, size, 3]);
  const shapes = shapesOf(graph);
  for (const node of graph.nodes) {
    const input = shapes.get(node.inputs[0] as string) ?? [size, size, 3];
    writeNode(writer, node, { input, output: shapes.get(node.name) ?? [] });
  }
  return writer;
}

function signatureOf(graph: NetworkGraph): unknown {
  const { inputSize: size, output } = graph;
  const [dimensions = -1] = shapesOf(graph).get(output) ?? [];
  return {
    inputs: { [PIXELS]: tensorInfo(PIXELS, [-1, size, size, 3]) },
    outputs: { embedding: tensorInfo(output, [-1, dimensions]) },
  };
}

const tensorInfo = (name: string, shape: readonly number[]): unknown => ({
  name: `${name}:0`,
  dtype: 'DT_FLOAT',
  tensorShape: dimensionsOf(shape),
});

function numbersOf(
  { name, shape, isKernel }: Weight,
  arrays: ReadonlyMap<string, StoredArray>,
  model: Bytes,
  shared: SharedBytes,
): Float32Array {
  const array = arrays.get(name) ?? arrays.get(`${name}${FLOAT16_SUFFIX}`);
  const count = shape.reduce((a, b) => a * b, 1);
  const numbers = array && decoded(array, bytesOf(array, model, shared));
  if (numbers?.length === count) return isKernel ? channelsLast(numbers, shape) : numbers;
  throw new CorruptDataError(`${ONNX_FILE} lacks the array "${name}" of shape [${shape.join(', ')}].`);
}

function bytesOf({ place }: StoredArray, model: Bytes, shared: SharedBytes): Uint8Array {
  if (!('location' in place)) return model.slice(place.start, place.end - place.start);
  const file = shared(place.location);
  if (file !== null) return file.slice(place.offset, place.length);
  throw new CorruptDataError(
    `${ONNX_FILE} names the file "${place.location}", which the version does not have.`,
  );
}

/** A copy, since arrays of numbers have to begin at multiples of their size. */
function decoded({ type }: StoredArray, bytes: Uint8Array): Float32Array | null {
  const { buffer } = Uint8Array.from(bytes);
  if (type === FLOAT32 && bytes.length % 4 === 0) return new Float32Array(buffer);
  return type === FLOAT16 && bytes.length % 2 === 0 ? fromFloat16(new Uint16Array(buffer)) : null;
}

/** (filters, channels, height, width) -> (height, width, channels, filters). */
function channelsLast(
  numbers: Float32Array,
  [height = 0, width = 0, channels = 0, filters = 0]: Weight['shape'],
) {
  const moved = new Float32Array(numbers.length);
  const field = height * width;
  let from = 0;
  for (let filter = 0; filter < filters; filter++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < field; place++, from++) {
        moved[(place * channels + channel) * filters + filter] = numbers[from] as number;
      }
    }
  }
  return moved;
}
