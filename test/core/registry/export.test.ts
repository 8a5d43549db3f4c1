import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readChanges } from '../../../core/gallery/arrow-changes.ts';
import { ConflictError, CorruptDataError } from '../../../core/errors.ts';
import { bytes, onEachStore, withFolder } from './support.ts';

onEachStore('exporting', (test) => {
  test('writes all files, the manifest and the log of the gallery', async ({ registry, publish }) => {
    await publish(1);
    const fact = { op: 'remove', class: '猫', sha256: 'ab'.repeat(32) } as const;
    const log = await registry.append('cats', [], [fact], 'a test');
    await withFolder(async (folder) => {
      await mkdir(join(folder, 'empty'));
      for (const target of [join(folder, 'new', 'place'), join(folder, 'empty')]) {
        const manifest = await registry.export('cats', 1, target);
        const names = await readdir(target, { recursive: true });
        assert.deepEqual(names.toSorted(), [
          'gallery.arrow',
          'log.arrow',
          'manifest.json',
          'network',
          join('network', 'model.json'),
        ]);
        assert.equal(await readFile(join(target, 'gallery.arrow'), 'utf8'), 'gallery');
        assert.deepEqual(readChanges(await readFile(join(target, 'log.arrow')), 'the log'), log);
        assert.deepEqual(JSON.parse(await readFile(join(target, 'manifest.json'), 'utf8')), manifest);
      }
    });
  });

  test('leaves a folder that is not empty, and a file, as they are', async ({ registry, publish }) => {
    await publish(1);
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'mine'), 'mine');
      await assert.rejects(registry.export('cats', 1, folder), ConflictError);
      await assert.rejects(registry.export('cats', 1, join(folder, 'mine')), ConflictError);
      assert.deepEqual(await readdir(folder), ['mine']);
      assert.equal(await readFile(join(folder, 'mine'), 'utf8'), 'mine');
    });
  });

  test('leaves nothing when a file is damaged, and names it', async ({ registry, store, publish }) => {
    await publish(1);
    await store.put('models/cats/versions/1/network/model.json', bytes('[]'));
    await withFolder(async (folder) => {
      await assert.rejects(registry.export('cats', 1, join(folder, 'out')), (error: unknown) => {
        return error instanceof CorruptDataError && /network\/model\.json/.test(error.message);
      });
      assert.deepEqual(await readdir(folder), []);
    });
  });
});
