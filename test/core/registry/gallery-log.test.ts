import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GalleryContents } from '../../../core/gallery/contents.ts';
import { addImages, removeKeys, renameClass } from '../../../core/gallery/operations.ts';
import { sha256Of } from '../gallery/support.ts';
import { onEachStore } from './support.ts';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 10, 30, 12);
const BASE = {
  dataset: null,
  position: null,
  images: [{ key: 'cat/1', sha256: sha256Of('1') }],
};

onEachStore('the log of a gallery', (test) => {
  test('is empty for a model without changes', async ({ registry }) => {
    assert.deepEqual(await registry.changes('cats'), []);
  });

  test('gives changes back in the order in which they were recorded, and itself when nothing is new', async ({
    registry,
  }) => {
    let log = await registry.changes('cats');
    for (const name of ['a', 'b', 'c']) {
      const fact = { op: 'add' as const, class: name, file: '1', sha256: sha256Of(name), source: null };
      log = await registry.append('cats', log, [fact], 'ana');
    }

    const read = await registry.changes('cats');
    assert.deepEqual(read, log);
    assert.deepEqual(
      read.map(({ after }) => after),
      [null, log[0]?.id, log[1]?.id],
    );
    assert.equal(await registry.changes('cats', read), read);
  });

  test('refuses names that lead elsewhere', async ({ registry }) => {
    await assert.rejects(registry.changes('../cats'), { code: 'invalid-input' });
  });
});

it('What a machine with a clock that is hours ahead adds, others rename and remove', async (t) => {
  const { settingOf } = await import('./support.ts');
  const { memoryStore } = await import('../../../core/storage/memory.ts');
  for (const hours of [5, -5]) {
    const { registry } = settingOf(memoryStore());
    const image = { class: 'cat', file: '2', sha256: sha256Of('2'), source: null };
    const contents = async () => new GalleryContents(BASE, await registry.changes('cats'));
    const record = async (
      clock: number,
      decide: (of: GalleryContents) => Parameters<typeof registry.append>[2],
    ) => {
      t.mock.timers.enable({ apis: ['Date'], now: clock });
      const now = await contents();
      await registry.append('cats', now.changes, decide(now), 'ana');
      t.mock.timers.reset();
    };

    await record(NOON + hours * HOUR, (now) => addImages(now, [image]).fresh.map(({ fact }) => fact));
    await record(NOON, (now) => renameClass(now, 'cat', 'tiger'));
    assert.deepEqual(
      (await contents()).images.map(({ key }) => key),
      ['tiger/1', 'tiger/2'],
    );
    await record(NOON - hours * HOUR, (now) => removeKeys(now, ['tiger/2']));
    assert.deepEqual(
      (await contents()).images.map(({ key }) => key),
      ['tiger/1'],
    );
  }
});
