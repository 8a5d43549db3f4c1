import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createChange, idAfter } from '../../../core/gallery/facts.ts';
import type { Fact } from '../../../core/gallery/facts.ts';
import { compactGallery } from '../../../core/registry/compaction.ts';
import type { CompactionOptions } from '../../../core/registry/compaction.ts';
import { listLogFiles, putChange } from '../../../core/registry/gallery-log.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { sha256Of } from '../gallery/support.ts';
import { intercepted } from './support.ts';

const fact = (key: string): Fact => {
  const [name = '', file = ''] = key.split('/');
  return { op: 'add', class: name, sha256: sha256Of(key), file, source: null };
};

const cats = (store: ObjectStore = memoryStore()): Registry => openRegistry(store);

/** @param at milliseconds since 1970, by the writer's clock; by default after all others */
async function write(registry: Registry, facts: readonly Fact[], at?: number): Promise<string> {
  const last = (await registry.changes('cats')).at(-1)?.id ?? null;
  const id = at === undefined ? idAfter(last) : idAfter(null, at);
  await putChange(registry.store, 'cats', createChange({ id, after: null, by: 'test', facts }));
  return id;
}

async function five(registry: Registry): Promise<string[]> {
  const seen = { op: 'seen' as const, path: 'datasets/cats/猫/1', was: null, lost: false };
  return [
    await write(registry, [fact('猫/1'), { ...seen, sha256: sha256Of('猫/1') }], 1000),
    await write(registry, [{ op: 'reject', sha256: sha256Of('x'), file: 'x', source: null }], 2000),
    await write(registry, [{ op: 'remove', class: '猫', sha256: sha256Of('猫/1') }], 3000),
    await write(registry, [fact('a/1'), fact('b/2')], 4000),
    await write(registry, [fact('a/2')], 5000),
  ];
}

const compact = async ({ store }: Registry, options: CompactionOptions = {}) =>
  compactGallery(store, 'cats', { atLeast: 2, ...options });
const files = async ({ store }: Registry): Promise<number[]> => {
  const { loose, compacted } = await listLogFiles(store, 'cats');
  return [loose.length, compacted.length];
};

describe('compacting a gallery', () => {
  it('changes nothing about its changes, before and after their own files have gone', async () => {
    const registry = cats();
    const ids = await five(registry);
    const before = await registry.changes('cats');

    assert.deepEqual(await compact(registry), { compacted: 5, removed: 0 });
    assert.deepEqual([await files(registry), await registry.changes('cats')], [[5, 1], before]);
    assert.deepEqual(await compact(registry), { compacted: 0, removed: 5 });

    assert.deepEqual([await files(registry), await registry.changes('cats')], [[0, 1], before]);
    assert.deepEqual(
      before.map(({ id }) => id),
      ids,
    );
    const follower = await registry.changes('cats', before);
    assert.equal(follower, before, 'a reader that knows them reads none again');
  });

  it('waits until there is enough', async () => {
    const registry = cats();
    await five(registry);

    assert.deepEqual(await compact(registry, { atLeast: 6 }), { compacted: 0, removed: 0 });
    assert.deepEqual(await files(registry), [5, 0]);
  });

  it('names compacted files in the order in which they were made, by machines whose clocks are hours wrong', async (t) => {
    const registry = cats();
    t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 30, 18) });
    await five(registry);
    await compact(registry);
    t.mock.timers.setTime(Date.UTC(2026, 10, 30, 6));
    for (let n = 0; n < 5; n++) await write(registry, [fact(`c/${n}`)]);
    await compact(registry);

    const { compacted } = await listLogFiles(registry.store, 'cats');
    assert.deepEqual(await compact(registry), { compacted: 0, removed: 6 });
    assert.deepEqual((await listLogFiles(registry.store, 'cats')).compacted, compacted.slice(-1));
    assert.equal((await registry.changes('cats')).length, 10);
  });

  it('leaves a change in its place that is written late, under an earlier id', async () => {
    const registry = cats();
    await five(registry);
    let late = '';
    const meanwhile = openRegistry(
      intercepted(registry.store, async (operation, key) => {
        if (operation === 'put' && key.includes('/compacted/'))
          late = await write(registry, [fact('late/1')], 2500);
      }),
    );

    await compact(meanwhile);
    await compact(registry);

    const ids = (await registry.changes('cats')).map(({ id }) => id);
    assert.deepEqual([ids.length, ids.indexOf(late), await files(registry)], [6, 2, [1, 1]]);
  });

  it('loses nothing when two do it at once, and keeps one file of those that have the same', async () => {
    const registry = cats();
    await five(registry);
    const before = await registry.changes('cats');

    await Promise.all([compact(registry), compact(openRegistry(registry.store))]);
    assert.deepEqual(await files(registry), [5, 2]);
    await Promise.all([compact(registry), compact(openRegistry(registry.store))]);

    assert.deepEqual([await files(registry), await registry.changes('cats')], [[0, 1], before]);
  });

  it('puts small files into larger ones, and lets large ones be', async () => {
    const registry = cats();
    for (let round = 0; round < 12; round++) {
      for (let n = 0; n < 2; n++) await write(registry, [fact(`a/${round}-${n}`)]);
      await compact(registry);
      await compact(registry);
    }

    const [loose = 0, compacted = 0] = await files(registry);
    assert.ok(loose === 0 && compacted <= 5, `${loose} and ${compacted} files`);
    assert.equal((await registry.changes('cats')).length, 24);
  });

  it('leaves a change alone that is large by itself', async () => {
    const store = memoryStore();
    const registry = cats(store);
    const ids = await five(registry);
    const before = await registry.changes('cats');
    const grown: ObjectStore = {
      ...intercepted(store, async () => undefined),
      async *list(prefix) {
        for await (const each of store.list(prefix)) {
          yield each.key.includes(ids[3] ?? '') ? { ...each, size: 2 ** 26 } : each;
        }
      },
    };

    assert.deepEqual(await compact(openRegistry(grown)), { compacted: 4, removed: 0 });
    assert.deepEqual(await compact(openRegistry(grown)), { compacted: 0, removed: 4 });

    assert.deepEqual([await files(registry), await registry.changes('cats')], [[1, 1], before]);
  });

  it('is not noticed by a reader that lists while files go', async () => {
    const registry = cats();
    await five(registry);
    await compact(registry);
    let left = 1;
    const reader = openRegistry(
      intercepted(registry.store, async (operation, key) => {
        if (operation !== 'get' || !key.includes('/gallery/') || left-- <= 0) return;
        for (const n of [3, 4, 5]) await write(registry, [fact(`a/${n}`)]);
        await compact(registry);
        await compact(registry);
      }),
    );

    assert.equal((await reader.changes('cats')).length, 8);
    assert.deepEqual(await files(registry), [0, 1]);
  });
});
