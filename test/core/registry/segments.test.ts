import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { ConflictError, InvalidInputError, NotFoundError } from '../../../core/errors.ts';
import { bytes, onEachStore } from './support.ts';

onEachStore('gallery segments', (test) => {
  test('are listed oldest first and are immutable', async ({ registry, store, publish }) => {
    await publish(1);
    const ids = [3000, 1000, 2000].map((time) => ulid(time));
    for (const id of ids) await registry.addSegment('cats', 1, id, bytes(id));
    await store.put('models/cats/versions/1/gallery/notes.txt', bytes('foreign'));
    const [third = '', first = '', second = ''] = ids;
    assert.deepEqual(await registry.segments('cats', 1), [first, second, third]);
    assert.deepEqual(await registry.segment('cats', 1, first), bytes(first));
    await assert.rejects(registry.addSegment('cats', 1, first, bytes('other')), ConflictError);
    await registry.removeSegment('cats', 1, first);
    assert.deepEqual(await registry.segments('cats', 1), [second, third]);
    await assert.rejects(registry.segment('cats', 1, first), NotFoundError);
  });

  test('belong to a version that exists, under a ULID', async ({ registry, publish }) => {
    await publish(1);
    await assert.rejects(registry.addSegment('cats', 2, ulid(), bytes('x')), NotFoundError);
    for (const id of ['', 'x', '../manifest', ulid().toLowerCase(), `${ulid()}0`]) {
      await assert.rejects(registry.addSegment('cats', 1, id, bytes('x')), InvalidInputError);
    }
    assert.deepEqual(await registry.segments('cats', 1), []);
  });

  test('lose nothing when many are added at once', async ({ registry, publish }) => {
    await publish(1);
    const ids = Array.from({ length: 30 }, () => ulid());
    await Promise.all(ids.map((id) => registry.addSegment('cats', 1, id, bytes(id))));
    assert.deepEqual(await registry.segments('cats', 1), ids.toSorted());
  });
});
