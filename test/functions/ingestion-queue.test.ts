import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openRegistry } from '../../core/registry/registry.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { IntentQueue } from '../../functions/ingestion/queue.ts';
import { DataSetWatch } from '../../functions/ingestion/watch.ts';

const { signal } = new AbortController();

describe('a data set that is watched', () => {
  const store = memoryStore();
  const watch = new DataSetWatch(openRegistry(store), 'wear');
  const put = async (path: string, content = path): Promise<unknown> =>
    store.put(`datasets/wear/${path}`, new TextEncoder().encode(content));
  const look = async (most = 10): Promise<readonly [readonly string[], boolean]> => {
    const shown = await watch.look(most, signal);
    shown.keep();
    return [shown.changed, shown.lost];
  };

  it('shows what is new or another one, and whether something went; the first look only notes', async () => {
    await put('hat/1');
    await put('hat/2');
    assert.deepEqual(await look(), [[], false]);
    assert.deepEqual(await look(), [[], false]);

    await put('hat/1', 'other');
    await put('cap/1');
    await put('.hidden/1');
    assert.deepEqual(await look(), [['cap/1', 'hat/1'], true], 'what it was is gone');
    await store.delete('datasets/wear/hat/2');
    assert.deepEqual(await look(), [[], true]);
    assert.deepEqual(await look(), [[], false]);
  });

  it('shows no more than there is room for, the rest later, and again what was not taken up', async () => {
    for (const n of [5, 6, 7]) await put(`hat/${n}`);

    const { changed } = await watch.look(2, signal);

    assert.deepEqual(changed, ['hat/5', 'hat/6']);
    assert.deepEqual(
      [await look(2), await look(2)],
      [
        [['hat/5', 'hat/6'], false],
        [['hat/7'], false],
      ],
    );
    assert.deepEqual(await look(2), [[], false]);
  });

  it('is looked into no further once the server ends', async () => {
    await assert.rejects(watch.look(10, AbortSignal.abort()), { code: 'cancelled' });
  });
});

describe('pictures that wait to be taken up', () => {
  it('wait once each, as many as may; the notes of others stay in the store', () => {
    const queue = new IntentQueue(2);
    queue.add({ id: 'one', key: 'a' });
    queue.add({ id: 'two', key: 'a' });
    assert.deepEqual(
      [queue.put('a'), queue.put('b'), queue.put('c'), queue.overflowed],
      [true, true, false, false],
    );
    queue.add({ id: 'three', key: 'c' });

    assert.deepEqual([queue.size, queue.overflowed], [2, true]);
    assert.deepEqual(
      queue.take(5).map(({ key, ids }) => [key, ids]),
      [
        ['a', ['one', 'two']],
        ['b', []],
      ],
    );
  });

  it('are tried again later, one by one, and given up at last', () => {
    const queue = new IntentQueue(5);
    const failed = { key: 'a', ids: [], attempts: 0, notBefore: 0 };

    assert.deepEqual(
      queue.putBack([failed, { ...failed, key: 'b', attempts: 7 }]).map(({ key }) => key),
      ['b'],
    );

    assert.equal(queue.size, 1);
    assert.deepEqual(queue.take(5), [], 'not before its time');
    assert.ok((queue.waitMs() ?? 0) > 0);
  });
});
