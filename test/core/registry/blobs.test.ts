import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { CorruptDataError, NotFoundError } from '../../../core/errors.ts';
import { openVersion } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { SHARP, pictures, publishColours } from './colours.ts';
import { author, bytes, draft, intercepted, onEachStore, withFolder } from './support.ts';

const WEIGHTS = 'the weights';
const SHA = createHash('sha256').update(WEIGHTS).digest('hex');
const BLOB = `blobs/${SHA}`;

/** A version with a blob. */
async function withBlob(work: (version: ReturnType<typeof draft>) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const file = join(folder, 'weights');
    await writeFile(file, WEIGHTS);
    await work(draft({ files: { 'embedding.onnx': bytes('model'), shared: { file, blob: true } } }));
  });
}

async function keys(store: ObjectStore): Promise<string[]> {
  const all: string[] = [];
  for await (const { key } of store.list('')) all.push(key);
  return all;
}

onEachStore('blobs', (test) => {
  test('are stored once for all versions that have them, and read as files of each', async (setting) => {
    const { registry, store } = setting;
    await withBlob(async (version) => {
      await registry.publish('cats', version);
      const { files } = await registry.publish('dogs', version);

      assert.deepEqual(files['shared'], { size: WEIGHTS.length, sha256: SHA, blob: true });
      assert.deepEqual(
        (await keys(store)).filter((key) => /blobs|shared/.test(key)),
        [BLOB],
      );
      assert.deepEqual(await registry.file('dogs', 1, 'shared'), bytes(WEIGHTS));
      const given = await registry.withFile('dogs', 1, 'shared', async (file) => file);
      if (typeof given === 'string') assert.ok(given.endsWith(join('blobs', SHA)));
      else assert.deepEqual(Buffer.from(given).toString(), WEIGHTS);
      assert.deepEqual(await registry.verify('cats', 1), []);
    });
  });

  test('stay when a version that has them is deleted', async ({ registry }) => {
    await withBlob(async (version) => {
      await registry.publish('cats', version);
      await registry.publish('cats', version);
      await registry.delete('cats', 1, author);

      assert.deepEqual(await registry.verify('cats', 2), []);
      assert.deepEqual(await registry.file('cats', 2, 'shared'), bytes(WEIGHTS));
    });
  });

  test('are damage of each version that has them when they are missing or changed', async (setting) => {
    const { registry, store } = setting;
    await withBlob(async (version) => {
      await registry.publish('cats', version);
      for (const damage of [store.put(BLOB, bytes('the Weights')), store.delete(BLOB)]) {
        await damage;
        const problems = await registry.verify('cats', 1);
        assert.deepEqual(
          problems.map(({ file }) => file),
          ['shared'],
        );
        await assert.rejects(registry.file('cats', 1, 'shared'), CorruptDataError);
      }
    });
  });

  test('of another size stop a publication', async ({ registry, store }) => {
    await store.put(BLOB, bytes('cut'));
    await withBlob(async (version) => {
      await assert.rejects(registry.publish('cats', version), CorruptDataError);
      assert.deepEqual(await registry.versions('cats'), []);
    });
  });

  test('are all that a publisher leaves that dies before the manifest', async ({ registry, store }) => {
    const dying = intercepted(store, async (operation, key) => {
      if (operation === 'put' && key.endsWith('embedding.onnx')) throw new Error('killed');
    });
    await withBlob(async (version) => {
      await assert.rejects(openRegistry(dying).publish('cats', version), /killed/);
      assert.deepEqual(await keys(store), [BLOB, 'models/cats/versions/1/claim.json']);
      assert.equal((await registry.publish('cats', version)).version, 2);
    });
  });
});

it('A version is opened with one read of its manifest, and a deleted one is told as such', async () => {
  const store = memoryStore();
  await publishColours(openRegistry(store), SHARP, await pictures(['red', 'green'], 0, 2));
  const reads: string[] = [];
  const watched = intercepted(store, async (operation, key) => {
    if (operation === 'get') reads.push(key.replace('models/colours/versions/1/', ''));
  });
  const registry = openRegistry(watched);

  const { embedder } = await openVersion(registry, { model: 'colours', version: 1, alias: null });
  embedder.dispose();

  assert.deepEqual(reads.toSorted(), [
    'embedding.onnx',
    'evaluation.json',
    'gallery.arrow',
    'golden.arrow',
    'manifest.json',
    'models/colours/deleted.json',
  ]);
  await openRegistry(store).delete('colours', 1, author);
  await assert.rejects(registry.file('colours', 1, 'gallery.arrow'), NotFoundError);
});
