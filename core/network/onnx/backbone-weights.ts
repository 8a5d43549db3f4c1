/** A backbone's weights as ONNX models use them: batch normalisation folded, the same bytes for every input size. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Backbone } from '../backbones/backbone.ts';
import { lastMap } from '../backbones/backbone.ts';
import type { WeightFile } from '../weight-file.ts';
import { writeAll } from '../write-all.ts';
import { sha256Of } from './shared-weights.ts';
import type { SharedWeights } from './shared-weights.ts';
import { written } from './write.ts';

/** Smaller arrays lie in every model; ONNX wants some of them there, and they are little. */
const SMALLEST_SHARED = 1024;

/** Arrays begin at pages, as the ONNX specification asks, so that they can be mapped into memory. */
const PAGE = 4096;

/**
 * Writes the backbone's large arrays to a file in the folder, named by its SHA-256, as models name it.
 * @param pretrained weights by their parameter names
 */
export function writeBackboneWeights(
  folder: string,
  backbone: Backbone,
  pretrained: WeightFile,
): SharedWeights & { readonly file: string } {
  const graph = {
    inputSize: backbone.preprocessing.size,
    nodes: backbone.nodes(),
    output: lastMap(backbone).node,
    trainableAfter: null,
  };
  const { writer } = written(graph, pretrained, 'mixed');
  const places = new Map<string, { offset: number; length: number; sha256: string }>();
  const whole = createHash('sha256');
  const partial = join(folder, 'backbone.part');
  const descriptor = openSync(partial, 'wx');
  let end = 0;
  const append = (bytes: Uint8Array): void => {
    writeAll(descriptor, bytes);
    whole.update(bytes);
    end += bytes.length;
  };
  try {
    for (const { name, data } of writer.arrays) {
      if (data.length < SMALLEST_SHARED) continue;
      append(new Uint8Array((PAGE - (end % PAGE)) % PAGE));
      places.set(name, { offset: end, length: data.length, sha256: sha256Of(data) });
      for (const piece of data.pieces()) append(piece);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  const sha256 = whole.digest('hex');
  const file = join(folder, sha256);
  renameSync(partial, file);
  return { file, sha256, places };
}
