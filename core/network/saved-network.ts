/** Writing a network as files, and having it back: `model.json` (see graph-model.ts) and `weights.bin`. */
import { closeSync, fsyncSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptDataError } from '../errors.ts';
import type { Preprocessing } from '../images/pixels.ts';
import { graphModelTopology } from './graph-model.ts';
import { parseGraph } from './graph-schema.ts';
import { parametersOf } from './graph.ts';
import type { NetworkGraph, PlacedParameter } from './graph.ts';
import type { WeightFile } from './weight-file.ts';
import type { ArraySource } from './safetensors.ts';
import { MODEL_FILE, WEIGHTS_FILE, parseSavedDocument } from './saved-document.ts';
import type { SavedDocument, WeightEntry } from './saved-document.ts';
import { writeAll } from './write-all.ts';

export { MODEL_FILE, WEIGHTS_FILE };

/** A network as it was saved: what it is, what its input must look like, and its weights. */
export interface SavedNetwork {
  readonly graph: NetworkGraph;
  readonly preprocessing: Preprocessing;
  readonly weights: WeightFile;
}

/** Writes both files into a folder that exists. */
export async function saveNetwork(
  folder: string,
  graph: NetworkGraph,
  preprocessing: Preprocessing,
  weights: readonly ArraySource[],
): Promise<void> {
  const { topology, signature, constants } = graphModelTopology(graph);
  const entries: WeightEntry[] = [];
  const descriptor = openSync(join(folder, WEIGHTS_FILE), 'wx');
  try {
    for (const { name, shape, dtype, values } of constants) {
      entries.push({ name, shape, dtype });
      writeAll(descriptor, dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values));
    }
    for (const array of weights) {
      entries.push({ name: array.name, shape: array.shape, dtype: 'float32' });
      for await (const piece of array.pieces()) writeAll(descriptor, piece);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  const document = {
    format: 'graph-model',
    generatedBy: 'kindred',
    convertedBy: null,
    userDefinedMetadata: { kindred: { graph, preprocessing } },
    signature,
    modelTopology: topology,
    weightsManifest: [{ paths: [WEIGHTS_FILE], weights: entries }],
  };
  await writeFile(join(folder, MODEL_FILE), JSON.stringify(document));
}

/** The description alone, from the bytes of `model.json`. @throws CorruptDataError */
export function describeNetwork(model: Uint8Array): Omit<SavedNetwork, 'weights'> {
  return describe(parseSavedDocument(model));
}

/** From the bytes of both files. @throws CorruptDataError */
export function readNetwork(model: Uint8Array, weights: Uint8Array): SavedNetwork {
  return networkOf(model, {
    size: weights.byteLength,
    slice: (from, to) => weights.buffer.slice(weights.byteOffset + from, weights.byteOffset + to),
  });
}

/**
 * From a folder with both files. Weights are read from there array by array whenever they are asked for, so that they
 * are never in memory as a whole; the files must stay until then. @throws CorruptDataError
 */
export function openNetwork(folder: string): SavedNetwork {
  const path = join(folder, WEIGHTS_FILE);
  return networkOf(readFileSync(join(folder, MODEL_FILE)), {
    size: statSync(path).size,
    slice: (from, to) => sliceOfFile(path, from, to),
  });
}

/** The bytes of `weights.bin`, wherever they are. */
interface Bytes {
  readonly size: number;
  /** A copy of the bytes from `from` up to `to`. */
  slice(from: number, to: number): ArrayBufferLike;
}

function networkOf(model: Uint8Array, bytes: Bytes): SavedNetwork {
  const document = parseSavedDocument(model);
  const described = describe(document);
  const [{ weights: entries }] = document.weightsManifest;
  for (const spec of parametersOf(described.graph)) checkEntry(spec, entries);
  return { ...described, weights: weightFile(entries, bytes) };
}

/** Opened anew each time: nobody has to close it. */
function sliceOfFile(path: string, from: number, to: number): ArrayBuffer {
  const bytes = new Uint8Array(to - from);
  const descriptor = openSync(path, 'r');
  try {
    for (let done = 0; done < bytes.length;) {
      const got = readSync(descriptor, bytes, done, bytes.length - done, from + done);
      if (got === 0) throw new CorruptDataError(`${path} is cut short: it ends before byte ${to}.`);
      done += got;
    }
  } finally {
    closeSync(descriptor);
  }
  return bytes.buffer;
}

function describe({ userDefinedMetadata }: SavedDocument): Omit<SavedNetwork, 'weights'> {
  const { preprocessing } = userDefinedMetadata.kindred;
  const graph = parseGraph(userDefinedMetadata.kindred.graph, MODEL_FILE);
  if (graph.inputSize !== preprocessing.size) {
    throw new CorruptDataError(
      `${MODEL_FILE} makes pictures of ${preprocessing.size} pixels for a network that takes ${graph.inputSize}.`,
    );
  }
  return { graph, preprocessing };
}

function checkEntry({ name, shape }: PlacedParameter, entries: readonly WeightEntry[]): void {
  const entry = entries.find((each) => each.name === name);
  if (entry?.dtype === 'float32' && entry.shape.join() === shape.join()) return;
  const got = entry === undefined ? 'none of that name' : `${entry.dtype} [${entry.shape.join(', ')}]`;
  throw new CorruptDataError(
    `${MODEL_FILE}: the network needs weights '${name}' of float32 [${shape.join(', ')}], but there is ${got}.`,
  );
}

function weightFile(entries: readonly WeightEntry[], bytes: Bytes): WeightFile {
  const places = new Map<string, { shape: readonly number[]; offset: number }>();
  let offset = 0;
  for (const { name, shape } of entries) {
    if (places.has(name)) throw new CorruptDataError(`${MODEL_FILE} names the weights '${name}' twice.`);
    places.set(name, { shape, offset });
    offset += shape.reduce((a, b) => a * b, 4);
  }
  if (offset !== bytes.size) {
    throw new CorruptDataError(`${WEIGHTS_FILE} has ${bytes.size} bytes, but ${MODEL_FILE} names ${offset}.`);
  }
  const place = (name: string) => {
    const found = places.get(name);
    if (found === undefined) throw new CorruptDataError(`${MODEL_FILE} names no weights '${name}'.`);
    return found;
  };
  return {
    has: (name) => places.has(name),
    shape: (name) => place(name).shape,
    read(name, start, count) {
      const { shape, offset: begin } = place(name);
      const row = shape.slice(1).reduce((a, b) => a * b, 4);
      return new Float32Array(bytes.slice(begin + start * row, begin + (start + count) * row));
    },
  };
}
