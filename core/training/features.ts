/**
 * Outputs of the frozen part of the network, computed once per picture and kept in files that are mapped into memory:
 * the operating system holds in memory what fits, and a training on the same pictures starts at once the next time.
 */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-node';
import { z } from 'zod';
import { CancelledError } from '../errors.ts';
import type { Picture } from '../images/dataset.ts';
import { decodePictures } from '../images/decode-pictures.ts';
import type { Pixels, Preprocessing } from '../images/pixels.ts';
import { PIXELS } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import { pixelTensor } from '../network/pixel-tensor.ts';
import { float, run, shape as shapeAttribute, text } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';
import { writeAll } from '../network/write-all.ts';

export interface FeatureRequest {
  readonly network: Network;
  /** Says which weights the frozen part has; part of what a cached file is found by. */
  readonly weightsId: string;
  readonly preprocessing: Preprocessing;
  /** Nodes whose outputs are wanted. */
  readonly nodes: readonly string[];
  readonly pictures: readonly Picture[];
  /** Folder that holds the files; several trainings may share it. */
  readonly folder: string;
  readonly batchSize?: number;
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal | undefined;
}

export interface Features {
  /** The pictures that could be decoded; row i of every tensor is picture i. */
  readonly pictures: readonly Picture[];
  readonly rejected: readonly { readonly picture: Picture; readonly reason: string }[];
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
export async function frozenFeatures(request: FeatureRequest): Promise<Features> {
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

function digestOf(request: FeatureRequest): string {
  const { weightsId, preprocessing, nodes, pictures } = request;
  const identity = {
    weightsId,
    preprocessing,
    nodes,
    pictures: pictures.map(({ key, sha256 }) => [key, sha256]),
  };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

const fileOf = (folder: string, node: string): string => join(folder, `${encodeURIComponent(node)}.f32`);

function rowLength(request: FeatureRequest, node: string): number {
  return (request.network.shapes.get(node) ?? []).reduce((a, b) => a * b, 1);
}

/** The index, when it and every file beside it are whole. */
async function readIndex(folder: string, request: FeatureRequest): Promise<Index | null> {
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
async function compute(request: FeatureRequest, folder: string): Promise<void> {
  const unfinished = `${folder}.${randomUUID()}.partial`;
  await mkdir(unfinished, { recursive: true });
  try {
    await computeInto(request, unfinished);
    await moveInto(request, unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** What is there already stays when it is whole: another training was faster, and may have mapped its files by now. */
async function moveInto(request: FeatureRequest, unfinished: string, folder: string): Promise<void> {
  try {
    await rename(unfinished, folder);
  } catch {
    if ((await readIndex(folder, request)) !== null) return;
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  }
}

async function computeInto(request: FeatureRequest, folder: string): Promise<void> {
  const files = request.nodes.map((node) => openSync(fileOf(folder, node), 'wx'));
  const index: Index = { rows: [], rejected: [] };
  let batch: Pixels[] = [];
  const flush = (): void => {
    if (batch.length > 0) writeBatch(request, batch, files);
    batch = [];
  };
  try {
    for await (const { picture, pixels, error } of decodePictures(request.pictures, request.preprocessing)) {
      if (request.signal?.aborted)
        throw new CancelledError('Stopped while the features were being computed.');
      if (error !== undefined) {
        index.rejected.push({ key: picture.key, reason: error.message });
      } else {
        index.rows.push(picture.key);
        batch.push(pixels);
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

function writeBatch(request: FeatureRequest, batch: readonly Pixels[], files: readonly number[]): void {
  const pixels = pixelTensor(batch);
  const outputs = request.network.forward({ [PIXELS]: pixels }, request.nodes);
  pixels.dispose();
  for (const [i, node] of request.nodes.entries()) {
    const output = outputs[node] as Tensor;
    const numbers = output.dataSync() as Float32Array;
    writeAll(files[i] as number, numbers);
    output.dispose();
  }
}

function open(request: FeatureRequest, folder: string, index: Index): Features {
  const byKey = new Map(request.pictures.map((picture) => [picture.key, picture]));
  const tensors = Object.fromEntries(
    request.nodes.map((node) => {
      const dimensions = [index.rows.length, ...(request.network.shapes.get(node) ?? [])];
      return [node, mapFile(fileOf(folder, node), dimensions)];
    }),
  );
  return {
    pictures: index.rows.map((key) => byKey.get(key) as Picture),
    rejected: index.rejected.map(({ key, reason }) => ({ picture: byKey.get(key) as Picture, reason })),
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
