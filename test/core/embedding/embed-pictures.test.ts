import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import type { Embedder } from '../../../core/embedding/embedder.ts';
import { tfjsEmbedder } from '../../../core/embedding/tfjs.ts';
import { CancelledError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { decodeImage } from '../../../core/images/decode.ts';
import { digest, storedPicture } from '../../../core/images/picture.ts';
import { openNetwork } from '../../../core/network/saved-network.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { assertClose } from '../../support/numbers.ts';
import { expected, preprocessing, networkIn, savedSmallNetwork } from './contract.ts';

describe('embedding many pictures', () => {
  let folder: string;
  let embedder: Embedder;
  const store = memoryStore();
  const pictures: Picture[] = [];
  before(async () => {
    folder = await savedSmallNetwork();
    embedder = tfjsEmbedder(openNetwork(networkIn(folder)));
    const images = new URL('../../fixtures/parity/images/', import.meta.url);
    for (let i = 0; i < 20; i++) {
      const name = `${String(i % 12).padStart(2, '0')}.png`;
      const bytes = i === 5 || i === 19 ? Buffer.from('no picture') : readFileSync(new URL(name, images));
      await store.put(`c/${i}`, bytes);
      pictures.push(storedPicture(store, `c/${i}`, `c/${i}`, 'c', digest(bytes)));
    }
  });

  after(() => {
    embedder.dispose();
    rmSync(folder, { recursive: true });
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
