import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs-node';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import type { Embedder } from '../../../core/embedding/embedder.ts';
import { tfjsEmbedder } from '../../../core/embedding/tfjs.ts';
import { CancelledError, InvalidInputError } from '../../../core/errors.ts';
import { decodeImage } from '../../../core/images/decode.ts';
import { storedPicture, digest } from '../../../core/images/picture.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import type { Pixels } from '../../../core/images/pixels.ts';
import { ParameterStore } from '../../../core/network/parameters.ts';
import { MODEL_FILE, WEIGHTS_FILE, readNetwork, saveNetwork } from '../../../core/network/saved-network.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { Random } from '../../../core/random.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { assertClose } from '../../support/numbers.ts';
import {
  frozenReference,
  plainWeights,
  smallGraph,
  smallWeights,
  trainedReference,
} from '../network/small.ts';

const preprocessing = { size: smallGraph.inputSize, fit: 'squash', kernel: 'linear' } as const;

/** A picture of random bytes, as decoded. */
function someBytes(seed: number, side = preprocessing.size): Pixels {
  const random = new Random(seed);
  return {
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side * 3 }, () => random.below(256)),
  };
}

/** The embeddings that plain tfjs operations give, row after row. */
function expected(pictures: readonly Pixels[]): Float32Array {
  const side = preprocessing.size;
  return tf.tidy(() => {
    const pixels = tf.tensor(
      pictures.flatMap(({ data }) => [...data]),
      [pictures.length, side, side, 3],
      'float32',
    ) as Tensor4D;
    return trainedReference(
      frozenReference(pixels, plainWeights()),
      plainWeights(),
    ).dataSync() as Float32Array;
  });
}

describe('the embedder that runs on TensorFlow', () => {
  let embedder: Embedder;
  let counts: [number, number];
  before(async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-embedder-'));
    const store = new ParameterStore(smallGraph, smallWeights);
    await saveNetwork(folder, smallGraph, preprocessing, store.sources());
    store.dispose();
    counts = [tf.memory().numTensors, liveVariables()];
    embedder = tfjsEmbedder(
      readNetwork(readFileSync(path.join(folder, MODEL_FILE)), readFileSync(path.join(folder, WEIGHTS_FILE))),
    );
    rmSync(folder, { recursive: true });
  });
  after(() => {
    embedder.dispose();
    assert.deepEqual([tf.memory().numTensors, liveVariables()], counts, 'everything is given back');
  });

  it('says how many numbers it gives, how pictures must be decoded and what computes', () => {
    assert.equal(embedder.dimensions, 6);
    assert.deepEqual(embedder.preprocessing, preprocessing);
    assert.equal(embedder.engine['name'], 'tensorflow');
    assert.match(embedder.engine['tensorflow'] ?? '', /^\d+\.\d+/);
    assert.match(embedder.engine['device'] ?? '', /^(CPU|GPU)$/);
  });

  for (const count of [0, 1, 16, 17, 40]) {
    it(`embeds ${count} pictures in their order, and leaves no tensor`, async () => {
      const pictures = Array.from({ length: count }, (_, i) => someBytes(i + 1));
      await embedder.embed(pictures.slice(0, 1));
      const { numTensors } = tf.memory();
      const embeddings = await embedder.embed(pictures);
      assert.equal(tf.memory().numTensors, numTensors);
      assertClose(embeddings, count === 0 ? [] : expected(pictures), { tolerance: 1e-4 });
    });
  }

  it('refuses a picture of another size before it computes any', async () => {
    await assert.rejects(
      embedder.embed([someBytes(1), someBytes(2, 9)]),
      (error: unknown) => error instanceof InvalidInputError && /9x9.*8x8/.test(error.message),
    );
  });

  describe('on many pictures', () => {
    const store = memoryStore();
    const pictures: Picture[] = [];
    before(async () => {
      const folder = new URL('../../fixtures/parity/images/', import.meta.url);
      for (let i = 0; i < 20; i++) {
        const name = `${String(i % 12).padStart(2, '0')}.png`;
        const bytes = i === 5 || i === 19 ? Buffer.from('no picture') : readFileSync(new URL(name, folder));
        await store.put(`c/${i}`, bytes);
        pictures.push(storedPicture(store, `c/${i}`, `c/${i}`, 'c', digest(bytes)));
      }
    });

    it('gives a row for each that can be decoded, and the reason for each that cannot', async () => {
      const done: number[] = [];
      const result = await embedPictures(embedder, pictures, {
        onProgress: (count, total) => done.push(count, total),
      });
      const sound = pictures.filter((_, i) => i !== 5 && i !== 19);
      const decoded = await Promise.all(
        sound.map(async (picture) => decodeImage(await picture.read(), preprocessing)),
      );
      assert.deepEqual(result.pictures, sound);
      assert.deepEqual(
        result.rejected.map(({ picture }) => picture.key),
        ['c/5', 'c/19'],
      );
      assert.ok(result.rejected.every(({ reason }) => reason.length > 0));
      assertClose(result.embeddings, expected(decoded), { tolerance: 1e-4 });
      assert.deepEqual(done.slice(-2), [20, 20], 'the last progress is that all is done');
    });

    it('tells that all is done also when the last one cannot be decoded', async () => {
      const done: string[] = [];
      const some = [...pictures.slice(0, 5), ...pictures.slice(6, 17), pictures[19] as Picture];
      await embedPictures(embedder, some, { onProgress: (count, total) => done.push(`${count}/${total}`) });
      assert.equal(done.at(-1), '17/17');
    });

    it('stops when it is told to', async () => {
      const signal = AbortSignal.abort();
      await assert.rejects(embedPictures(embedder, pictures, { signal }), CancelledError);
    });
  });
});
