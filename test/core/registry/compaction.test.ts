import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ulid } from 'ulid';
import { writeSegment } from '../../../core/gallery/arrow.ts';
import { readSegment } from '../../../core/gallery/arrow-segment.ts';
import { createSegment } from '../../../core/gallery/segments.ts';
import type { SegmentEntry } from '../../../core/gallery/segments.ts';
import { compactGallery } from '../../../core/registry/compaction.ts';
import type { CompactionOptions } from '../../../core/registry/compaction.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { listSegmentFiles } from '../../../core/registry/segments.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { sha256Of } from '../gallery/support.ts';
import { draft, intercepted } from './support.ts';

const CATS = { model: 'cats', version: 1 };
const BINDING = { dimensions: 2, distance: 'squared-euclidean' as const, embedder: null };
const addition = (key: string): SegmentEntry => ({
  op: 'add',
  key,
  class: key.split('/')[0] ?? '',
  sha256: sha256Of(key),
  embedding: new Float32Array([key.length, 1]),
});

async function cats(store: ObjectStore = memoryStore()): Promise<Registry> {
  const registry = openRegistry(store);
  await registry.publish('cats', draft());
  return registry;
}

async function write(registry: Registry, entries: readonly SegmentEntry[], id = ulid()): Promise<string> {
  const segment = createSegment(BINDING, entries, id);
  await registry.addSegment('cats', 1, id, await writeSegment(segment));
  return id;
}

async function five(registry: Registry): Promise<string[]> {
  const seen = { op: 'seen' as const, key: 'datasets/cats/猫/1', sha256: null };
  return [
    await write(registry, [addition('猫/1'), { ...seen, sha256: sha256Of('猫/1') }], ulid(1000)),
    await write(registry, [], ulid(2000)),
    await write(registry, [{ op: 'remove', key: '猫/1' }, seen], ulid(3000)),
    await write(registry, [addition('a/1'), addition('b/2')], ulid(4000)),
    await write(registry, [addition('a/2')], ulid(5000)),
  ];
}

const compact = async ({ store }: Registry, options: CompactionOptions = {}) =>
  compactGallery(store, CATS, { atLeast: 2, graceMs: -1, ...options });
const files = async ({ store }: Registry): Promise<number[]> => {
  const { loose, compacted } = await listSegmentFiles(store, 'cats', 1);
  return [loose.length, compacted.length];
};

describe('compacting a gallery', () => {
  it('changes nothing about its changes, before and after their own files have gone', async () => {
    const registry = await cats();
    const ids = await five(registry);
    const before = await registry.changes('cats', 1);
    const bytes = await registry.segment('cats', 1, ids[3] ?? '');

    assert.deepEqual(await compact(registry), { compacted: 5, removed: 0 });
    assert.deepEqual([await files(registry), await registry.changes('cats', 1)], [[5, 1], before]);
    assert.deepEqual(await compact(registry), { compacted: 0, removed: 5 });

    assert.deepEqual([await files(registry), await registry.changes('cats', 1)], [[0, 1], before]);
    assert.deepEqual(await registry.segments('cats', 1), ids);
    assert.deepEqual(await registry.segment('cats', 1, ids[3] ?? ''), bytes);
    assert.deepEqual(readSegment(bytes, ids[3] ?? ''), before[3]);
    const follower = await registry.changes('cats', 1, before);
    assert.ok(
      follower.every((change, i) => change === before[i]),
      'who knows them reads none again',
    );
  });

  it('waits until there is enough, and until nobody can have an old listing any more', async () => {
    const registry = await cats();
    await five(registry);

    assert.deepEqual(await compact(registry, { atLeast: 6 }), { compacted: 0, removed: 0 });
    await compact(registry);
    assert.deepEqual(await compact(registry, { graceMs: 60_000 }), { compacted: 0, removed: 0 });

    assert.deepEqual(await files(registry), [5, 1]);
  });

  it('leaves a change in its place that somebody writes late, under an earlier id', async () => {
    const registry = await cats();
    await five(registry);
    const late = ulid(2500);
    const meanwhile = openRegistry(
      intercepted(registry.store, async (operation, key) => {
        if (operation === 'put' && key.includes('/compacted/'))
          await write(registry, [addition('late/1')], late);
      }),
    );

    await compact(meanwhile);
    await compact(registry);

    const ids = (await registry.changes('cats', 1)).map(({ id }) => id);
    assert.deepEqual([ids.length, ids.indexOf(late), await files(registry)], [6, 2, [1, 1]]);
  });

  it('loses nothing when two do it at once, and keeps one file of those that have the same', async () => {
    const registry = await cats();
    await five(registry);
    const before = await registry.changes('cats', 1);

    await Promise.all([compact(registry), compact(openRegistry(registry.store))]);
    assert.deepEqual(await files(registry), [5, 2]);
    await Promise.all([compact(registry), compact(openRegistry(registry.store))]);

    assert.deepEqual([await files(registry), await registry.changes('cats', 1)], [[0, 1], before]);
  });

  it('puts small files into larger ones, and lets large ones be', async () => {
    const registry = await cats();
    for (let round = 0; round < 12; round++) {
      for (let n = 0; n < 2; n++) await write(registry, [addition(`a/${round}-${n}`)]);
      await compact(registry);
      await compact(registry);
    }

    const [loose = 0, compacted = 0] = await files(registry);
    assert.ok(loose === 0 && compacted <= 5, `${loose} and ${compacted} files`);
    assert.equal((await registry.changes('cats', 1)).length, 24);
  });

  it('leaves a change alone that is large by itself', async () => {
    const store = memoryStore();
    const registry = await cats(store);
    const ids = await five(registry);
    const before = await registry.changes('cats', 1);
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

    assert.deepEqual([await files(registry), await registry.changes('cats', 1)], [[1, 1], before]);
  });

  it('is not noticed by who lists while files go', async () => {
    const registry = await cats();
    await five(registry);
    await compact(registry);
    let left = 1;
    const reader = openRegistry(
      intercepted(registry.store, async (operation, key) => {
        if (operation !== 'get' || !key.includes('/gallery/') || left-- <= 0) return;
        for (const n of [3, 4, 5]) await write(registry, [addition(`a/${n}`)]);
        await compact(registry);
        await compact(registry);
      }),
    );

    assert.equal((await reader.changes('cats', 1)).length, 8);
    assert.deepEqual(await files(registry), [0, 1]);
  });
});
