/**
 * Outputs of the frozen part of the network, computed once per picture and kept in files that are mapped into memory:
 * the operating system holds in memory what fits, and a training on the same pictures starts at once the next time.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-node';
import { z } from 'zod';
import { CancelledError, ConflictError, UnreadableImageError } from '../errors.ts';
import type { Picture } from '../images/dataset.ts';
import { decodePictures } from '../images/decode-pictures.ts';
import type { Pixels, Preprocessing } from '../images/pixels.ts';
import { PIXELS } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import { pixelTensor } from '../network/pixel-tensor.ts';
import { tf } from '../network/tensorflow.ts';
import { writeAll } from '../network/write-all.ts';
import { DEFAULT_CACHE_BYTES, INDEX, makeEntry, tidyCache, useEntry } from './feature-cache.ts';
import { mapRows } from './mapped-rows.ts';

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
  /** How many bytes to keep there. @default {@link DEFAULT_CACHE_BYTES} */
  readonly cacheBytes?: number | undefined;
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

/** Pictures at once. With more, what passes between layers no longer stays in the processor's cache. */
const TOGETHER = 16;

const ATTEMPTS = 3;

const indexSchema = z.strictObject({
  rows: z.array(z.string()),
  rejected: z.array(z.strictObject({ key: z.string(), reason: z.string() })),
});
type Index = z.infer<typeof indexSchema>;

/**
 * Computes the features, or finds them in the folder, which is kept to its size.
 * @throws CancelledError when the signal says so; NotFoundError or CorruptDataError when a picture is not what was scanned
 */
export async function frozenFeatures(request: FeatureRequest): Promise<Features> {
  const entry = join(request.folder, digestOf(request));
  const known = await openEntry(request, entry);
  if (known !== null) return known;
  const made = await makeAndOpen(request, entry);
  // A cache that cannot be tidied is no reason to stop.
  await tidyCache(request.folder, request.cacheBytes ?? DEFAULT_CACHE_BYTES).catch(() => undefined);
  return made;
}

/** Again, when another process removed them before this one said that it uses them. */
async function makeAndOpen(request: FeatureRequest, entry: string): Promise<Features> {
  const isWhole = async (): Promise<boolean> => (await readIndex(entry, request)) !== null;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await makeEntry(entry, (folder) => computeInto(request, folder), isWhole);
    const made = await openEntry(request, entry);
    if (made !== null) return made;
  }
  throw new ConflictError(
    `The features in ${entry} were removed ${ATTEMPTS} times before they could be used. Is something else cleaning that folder?`,
  );
}

/** Null when there is no such entry, or it is not whole. */
async function openEntry(request: FeatureRequest, entry: string): Promise<Features | null> {
  const descriptor = await useEntry(entry);
  if (descriptor === null) return null;
  const index = await readIndex(entry, request);
  if (index === null) {
    closeSync(descriptor);
    return null;
  }
  return open(request, entry, index, () => closeSync(descriptor));
}

function digestOf(request: FeatureRequest): string {
  const { network, weightsId, preprocessing, nodes, pictures } = request;
  const identity = {
    // Nodes of one name may be computed otherwise by another Kindred.
    graph: network.graph,
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
    const index = indexSchema.parse(JSON.parse(await readFile(join(folder, INDEX), 'utf8')));
    for (const node of request.nodes) {
      const { size } = await stat(fileOf(folder, node));
      if (size !== index.rows.length * rowLength(request, node) * 4) return null;
    }
    return index;
  } catch {
    return null;
  }
}

async function computeInto(request: FeatureRequest, folder: string): Promise<void> {
  const index: Index = { rows: [], rejected: [] };
  let batch: Pixels[] = [];
  const files: number[] = [];
  const flush = (): void => {
    if (batch.length > 0) writeBatch(request, batch, files);
    batch = [];
  };
  try {
    for (const node of request.nodes) files.push(openSync(fileOf(folder, node), 'wx'));
    for await (const { picture, pixels, error } of decodePictures(request.pictures, request.preprocessing)) {
      if (request.signal?.aborted)
        throw new CancelledError('Stopped while the features were being computed.');
      if (error !== undefined) {
        // A picture that is gone or another one by now says nothing of the one that these features are kept for.
        if (!(error instanceof UnreadableImageError)) throw error;
        index.rejected.push({ key: picture.key, reason: error.message });
      } else {
        index.rows.push(picture.key);
        batch.push(pixels);
      }
      if (batch.length === (request.batchSize ?? TOGETHER)) flush();
      request.onProgress?.(index.rows.length + index.rejected.length, request.pictures.length);
    }
    flush();
    for (const file of files) fsyncSync(file);
  } finally {
    for (const file of files) closeSync(file);
  }
  await writeFile(join(folder, INDEX), JSON.stringify(index));
}

function writeBatch(request: FeatureRequest, batch: readonly Pixels[], files: readonly number[]): void {
  tf.tidy(() => {
    const outputs = request.network.forward({ [PIXELS]: pixelTensor(batch) }, request.nodes);
    for (const [i, node] of request.nodes.entries()) {
      writeAll(files[i] as number, (outputs[node] as Tensor).dataSync());
    }
  });
}

function open(request: FeatureRequest, folder: string, index: Index, close: () => void): Features {
  const byKey = new Map(request.pictures.map((picture) => [picture.key, picture]));
  const tensors: Record<string, Tensor> = {};
  const dispose = once(() => {
    tf.dispose(tensors);
    close();
  });
  try {
    for (const node of request.nodes) {
      const dimensions = [index.rows.length, ...(request.network.shapes.get(node) ?? [])];
      tensors[node] = mapRows(fileOf(folder, node), dimensions);
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    pictures: index.rows.map((key) => byKey.get(key) as Picture),
    rejected: index.rejected.map(({ key, reason }) => ({ picture: byKey.get(key) as Picture, reason })),
    tensors,
    dispose,
  };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
