import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConflictError, NotFoundError } from '../../../core/errors.ts';
import { Random } from '../../../core/random.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { author, intercepted, onEachStore, settingOf } from './support.ts';

async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key.slice(prefix.length));
  return keys;
}

onEachStore('deleting a version', (test) => {
  test('removes everything but the trace of its number', async ({ registry, store, publish }) => {
    await publish(2);
    await registry.delete('cats', 1, author);
    assert.deepEqual(await registry.versions('cats'), [2]);
    assert.deepEqual(await keysBelow(store, 'models/cats/versions/1/'), ['claim.json', 'deleted.json']);
    assert.deepEqual(await registry.leftovers(), []);
    await assert.rejects(registry.manifest('cats', 1), /no version 1\. There is: 2/);
    await assert.rejects(registry.move('cats', 'a', 1, author), NotFoundError);
    await assert.rejects(registry.delete('cats', 7, author), NotFoundError);
    await registry.delete('cats', 1, author);
  });

  test('is refused while an alias points to it, and possible after', async ({ registry, publish }) => {
    await publish(2);
    await registry.move('cats', 'production', 1, author);
    await registry.move('cats', 'staging', 1, author);
    await assert.rejects(registry.delete('cats', 1, author), /in use by "production", "staging"/);
    assert.deepEqual(await registry.verify('cats', 1), []);
    await registry.move('cats', 'production', 2, author);
    await registry.move('cats', 'staging', 2, author);
    await registry.move('cats', 'staging', 1, author); // a refused deletion does not stay in the way
    await assert.rejects(registry.delete('cats', 1, author), ConflictError);
    await registry.move('cats', 'staging', 2, author);
    await registry.delete('cats', 1, author);
    assert.deepEqual(await registry.versions('cats'), [2]);
  });
});

it('is finished by doing it again, wherever it was interrupted', async () => {
  for (let step = 1; step <= 5; step++) {
    const { store, registry, publish } = settingOf(memoryStore());
    await publish(2);
    await registry.move('cats', 'a', 2, author);
    let writes = 0;
    const dying = intercepted(store, async (operation) => {
      if ((operation === 'put' || operation === 'delete') && ++writes >= step) throw new Error('killed');
    });
    await assert.rejects(openRegistry(dying).delete('cats', 1, author), /killed/);
    await registry.delete('cats', 1, author);
    assert.deepEqual(await registry.versions('cats'), [2]);
    assert.deepEqual(await registry.leftovers(), []);
    assert.equal((await registry.alias('cats', 'a'))?.version, 2);
  }
});

it('never leaves an alias pointing nowhere, in whatever order moves and deletions meet', async () => {
  const random = new Random(11);
  let deleted = 0;
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const { store, registry, publish } = settingOf(memoryStore());
    await publish(3);
    if (round % 2) await registry.move('cats', 'old', 1 + random.below(2), author);
    const shuffled = intercepted(store, async (operation, key) => {
      for (let ticks = random.below(12); ticks > 0; ticks--) await Promise.resolve();
      if (operation === 'delete' && key.endsWith('manifest.json')) {
        const version = Number(key.split('/').at(-2));
        const pointing = (await registry.aliases('cats')).filter((alias) => alias.version === version);
        assert.deepEqual(pointing, [], 'deleted under an alias');
      }
    });
    const at = openRegistry(shuffled);
    const work: Promise<unknown>[] = [
      at.delete('cats', 2, author),
      at.delete('cats', 2, author),
      at.move('cats', 'new', 2, author),
      at.move('cats', 'old', 2, author),
      at.move('cats', 'old', 3, author),
    ];
    if (round % 2) work.push(at.rollback('cats', 'old', author));
    for (const each of await Promise.allSettled(work)) {
      if (each.status === 'rejected') {
        assert.ok(
          each.reason instanceof ConflictError || each.reason instanceof NotFoundError,
          String(each.reason),
        );
      }
    }
    const versions = await registry.versions('cats');
    for (const alias of await registry.aliases('cats')) assert.ok(versions.includes(alias.version));
    if (versions.includes(2)) refused++;
    else deleted++;
  }
  assert.ok(deleted > 10 && refused > 10, `one-sided: ${deleted} deleted, ${refused} refused`);
});
