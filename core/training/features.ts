/**
 * Outputs of the frozen part of the network, computed once per picture and kept in files that are mapped into memory:
 * the operating system holds in memory what fits, and a training on the same pictures starts at once the next time.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-node';
import { z } from 'zod';
import { CancelledError } from '../errors.ts';
import type { Pixels, Preprocessing } from '../images/pixels.ts';
import { PIXELS } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import { float, run, shape as shapeAttribute, text } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';

/** A picture decoded, or why it could not be. */
export type Decoded<P> =
  { readonly picture: P; readonly pixels: Pixels } | { readonly picture: P; readonly error: Error };

/** What a picture is found again by. */
interface Identified {
  readonly key: string;
  readonly sha256: string;
}

export interface FeatureRequest<P extends Identified> {
  readonly network: Network;
  /** Says which weights the frozen part has; part of what a cached file is found by. */
  readonly weightsId: string;
  readonly preprocessing: Preprocessing;
  /** Nodes whose outputs are wanted. */
  readonly nodes: readonly string[];
  readonly pictures: readonly P[];
  /** Decodes pictures, in order. */
  decode(pictures: readonly P[]): AsyncIterable<Decoded<P>>;
  /** Folder that holds the files; several trainings may share it. */
  readonly folder: string;
  readonly batchSize?: number;
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

export interface Features<P> {
  /** The pictures that could be decoded; row i of every tensor is picture i. */
  readonly pictures: readonly P[];
  readonly rejected: readonly { readonly picture: P; readonly reason: string }[];
  /** (pictures, ...shape of the node's output). */
  readonly tensors: Readonly<Record<string, Tensor>>;
  dispose(): void;
}

const indexSchema = z.strictObject({
  rows: z.array(z.string()),
  rejected: z.array(z.strictObject({ key: z.string(), reason: z.string() })),
});
type Index = z.infer<typeof indexSchema>;

/** Computes the features, or finds them in the folder. @throws CancelledError when the signal says so. */
export async function frozenFeatures<P extends Identified>(request: FeatureRequest<P>): Promise<Features<P>> {
  const folder = join(request.folder, digestOf(request));
  let index = await readIndex(folder, request);
  if (index === null) {
    await compute(request, folder);
    index = await readIndex(folder, request);
  }
  if (index === null) throw new Error(`features in ${folder} vanished while they were being read`);
  await utimes(folder, new Date(), new Date());
  return open(request, folder, index);
}

function digestOf<P extends Identified>(request: FeatureRequest<P>): string {
  const { weightsId, preprocessing, nodes, pictures } = request;
  const identity = {
    weightsId,
    preprocessing,
    nodes,
    pictures: pictures.map(({ key, sha256 }) => [key, sha256]),
  };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

const fileOf = (folder: string, node: string): string => join(folder, `${node}.f32`);

function rowLength<P extends Identified>(request: FeatureRequest<P>, node: string): number {
  return (request.network.shapes.get(node) ?? []).reduce((a, b) => a * b, 1);
}

/** The index, when it and every file beside it are whole. */
async function readIndex<P extends Identified>(
  folder: string,
  request: FeatureRequest<P>,
): Promise<Index | null> {
  try {
    const index = indexSchema.parse(JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')));
    for (const node of request.nodes) {
      const { size } = await stat(fileOf(folder, node));
      if (size !== index.rows.length * rowLength(request, node) * 4) return null;
    }
    return index;
  } catch {
    return null;
  }
}

/** Everything is written beside the final folder, which appears whole or not at all. */
async function compute<P extends Identified>(request: FeatureRequest<P>, folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}.${Date.now()}.partial`;
  await mkdir(unfinished, { recursive: true });
  try {
    await computeInto(request, unfinished);
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function computeInto<P extends Identified>(request: FeatureRequest<P>, folder: string): Promise<void> {
  const files = request.nodes.map((node) => openSync(fileOf(folder, node), 'wx'));
  const index: Index = { rows: [], rejected: [] };
  let batch: Pixels[] = [];
  const flush = (): void => {
    if (batch.length > 0) writeBatch(request, batch, files);
    batch = [];
  };
  try {
    for await (const decoded of request.decode(request.pictures)) {
      if (request.signal?.aborted)
        throw new CancelledError('Stopped while the features were being computed.');
      if ('error' in decoded) {
        index.rejected.push({ key: decoded.picture.key, reason: decoded.error.message });
      } else {
        index.rows.push(decoded.picture.key);
        batch.push(decoded.pixels);
      }
      if (batch.length === (request.batchSize ?? 32)) flush();
      request.onProgress?.(index.rows.length + index.rejected.length, request.pictures.length);
    }
    flush();
    for (const file of files) fsyncSync(file);
  } finally {
    for (const file of files) closeSync(file);
  }
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
}

function writeBatch<P extends Identified>(
  request: FeatureRequest<P>,
  batch: readonly Pixels[],
  files: readonly number[],
): void {
  const pixels = pixelTensor(batch);
  const outputs = request.network.forward({ [PIXELS]: pixels }, request.nodes);
  pixels.dispose();
  for (const [i, node] of request.nodes.entries()) {
    const output = outputs[node] as Tensor;
    const numbers = output.dataSync() as Float32Array;
    writeSync(files[i] as number, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    output.dispose();
  }
}

/** Pictures of one size -> float32 (N, height, width, 3), 0..255. */
export function pixelTensor(batch: readonly Pixels[]): Tensor {
  const { width, height } = batch[0] as Pixels;
  const numbers = new Float32Array(batch.length * width * height * 3);
  for (const [i, { data }] of batch.entries()) numbers.set(data, i * data.length);
  return tf.tensor4d(numbers, [batch.length, height, width, 3]);
}

function open<P extends Identified>(request: FeatureRequest<P>, folder: string, index: Index): Features<P> {
  const byKey = new Map(request.pictures.map((picture) => [picture.key, picture]));
  const tensors = Object.fromEntries(
    request.nodes.map((node) => {
      const dimensions = [index.rows.length, ...(request.network.shapes.get(node) ?? [])];
      return [node, mapFile(fileOf(folder, node), dimensions)];
    }),
  );
  return {
    pictures: index.rows.map((key) => byKey.get(key) as P),
    rejected: index.rejected.map(({ key, reason }) => ({ picture: byKey.get(key) as P, reason })),
    tensors,
    dispose: () => tf.dispose(tensors),
  };
}

/** A file of float32 as a tensor whose memory is the mapped file. */
function mapFile(path: string, dimensions: readonly number[]): Tensor {
  if (dimensions[0] === 0) return tf.zeros([...dimensions]);
  return run(
    'ImmutableConst',
    [float('dtype'), shapeAttribute('shape', [...dimensions]), text('memory_region_name', path)],
    [],
  );
}
