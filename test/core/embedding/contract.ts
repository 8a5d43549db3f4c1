/** What every engine must do; each runs this suite on the same network. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs-node';
import type { Embedder } from '../../../core/embedding/embedder.ts';
import { InvalidInputError } from '../../../core/errors.ts';
import type { Pixels } from '../../../core/images/pixels.ts';
import { ParameterStore } from '../../../core/network/parameters.ts';
import { saveNetwork } from '../../../core/network/saved-network.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { assertClose } from '../../support/numbers.ts';
import {
  frozenReference,
  plainWeights,
  smallGraph,
  smallWeights,
  trainedReference,
} from '../network/small.ts';

export const preprocessing = { size: smallGraph.inputSize, fit: 'squash', kernel: 'linear' } as const;

/** The file that {@link savedSmallNetwork} writes. */
export const networkIn = (folder: string): string => path.join(folder, 'network.safetensors');

/** Saves the small network into a folder of its own. */
export async function savedSmallNetwork(): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-embedder-'));
  const store = new ParameterStore(smallGraph, smallWeights);
  await saveNetwork(networkIn(folder), { graph: smallGraph, preprocessing }, store.sources());
  store.dispose();
  return folder;
}

/** A picture of random bytes, as decoded. */
function someBytes(seed: number, side = preprocessing.size): Pixels {
  const random = new Random(seed);
  return {
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side * 3 }, () => random.below(256)),
  };
}

const some = (count: number): Pixels[] => Array.from({ length: count }, (_, i) => someBytes(i + 1));

/** The embeddings that plain tfjs operations give, row after row. */
export function expected(pictures: readonly Pixels[]): Float32Array {
  const side = preprocessing.size;
  return tf.tidy(() => {
    const pixels = tf.tensor(
      pictures.flatMap(({ data }) => [...data]),
      [pictures.length, side, side, 3],
      'float32',
    ) as Tensor4D;
    const weights = plainWeights();
    return trainedReference(frozenReference(pixels, weights), weights).dataSync() as Float32Array;
  });
}

/** @param open the embedder of the network that was saved into the folder @param engine its name, as it says it */
export function embedderContract(engine: string, open: (folder: string) => Promise<Embedder>): void {
  describe(`an embedder that runs on ${engine}`, () => {
    let folder: string;
    let embedder: Embedder;
    before(async () => {
      folder = await savedSmallNetwork();
      embedder = await open(folder);
    });
    after(() => {
      embedder.dispose();
      rmSync(folder, { recursive: true });
    });

    it('says how many numbers it gives, how pictures must be decoded and what computes', () => {
      assert.equal(embedder.dimensions, 6);
      assert.deepEqual(embedder.preprocessing, preprocessing);
      assert.equal(embedder.engine['name'], engine);
      assert.match(embedder.engine[engine] ?? '', /^\d+\.\d+/);
      assert.match(embedder.engine['device'] ?? '', /^(CPU|GPU)$/);
    });

    for (const count of [0, 1, 16, 17, 40]) {
      it(`embeds ${count} pictures in their order`, async () => {
        const pictures = some(count);
        const embeddings = await embedder.embed(pictures);
        assertClose(embeddings, count === 0 ? [] : expected(pictures), { tolerance: 1e-4 });
      });
    }

    it('gives a picture the same embedding alone and among others', async () => {
      const [alone, among] = [await embedder.embed(some(1)), await embedder.embed(some(20))];
      assertClose(alone, among.subarray(0, embedder.dimensions), { tolerance: 1e-5 });
    });

    it('answers who ask at once', async () => {
      const [first, second] = await Promise.all([embedder.embed(some(3)), embedder.embed(some(2))]);
      assertClose(first ?? [], expected(some(3)), { tolerance: 1e-4 });
      assertClose(second ?? [], expected(some(2)), { tolerance: 1e-4 });
    });

    it('refuses a picture of another size before it computes any', async () => {
      await assert.rejects(
        embedder.embed([someBytes(1), someBytes(2, 9)]),
        (error: unknown) => error instanceof InvalidInputError && /9x9.*8x8/.test(error.message),
      );
    });

    it('that was disposed of answers what was asked before, refuses what is asked after, and can be disposed of again', async () => {
      const other = await open(folder);
      const asked = other.embed(some(18));

      other.dispose();
      const refused = other.embed(some(1));
      other.dispose();

      await assert.rejects(refused, {
        name: InvalidInputError.name,
        message: /disposed of.*open the version again/,
      });
      assertClose(await asked, expected(some(18)), { tolerance: 1e-4 });
      await assert.rejects(other.embed([]), InvalidInputError);
    });
  });
}
