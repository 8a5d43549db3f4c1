import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ConflictError, NotFoundError } from '../../../core/errors.ts';
import { Random } from '../../../core/random.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { addUnknown, listUnknown } from '../../../core/registry/unknown.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { openStore } from '../../../core/storage/open.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { optionsFor, startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';
import { author, bytes, draft, dyingAfter, intercepted, onEachStore, settingOf } from './support.ts';

const TOMBSTONE = 'models/cats/deleted.json';

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('models/cats/')) keys.push(key);
  return keys;
}

/** Two versions, two aliases, a change of the gallery, an image to label. */
async function filled(store: ObjectStore, { production = false } = {}): Promise<Registry> {
  const { registry, publish } = settingOf(store);
  await publish(2);
  await registry.append('cats', [], [{ op: 'remove', class: 'cat', sha256: 'a'.repeat(64) }], 'ana');
  await registry.move('cats', 'staging', 1, author);
  if (production) await registry.move('cats', 'production', 2, author);
  const notes = { at: new Date(0).toISOString(), version: 1, class: 'a', distance: 1, threshold: 1 };
  await addUnknown(store, 'cats', bytes('image'), { ...notes, type: 'image/png' });
  return registry;
}

/** Nobody sees anything of the model. */
async function assertGone(registry: Registry): Promise<void> {
  assert.deepEqual(await registry.models(), []);
  assert.deepEqual(await registry.versions('cats'), []);
  for (const reference of ['cats', 'cats@staging', 'cats@1', 'cats@2']) {
    await assert.rejects(registry.resolve(reference), NotFoundError, reference);
  }
  await assert.rejects(registry.file('cats', 1, 'gallery.arrow'), NotFoundError);
  await assert.rejects(
    registry.move('cats', 'staging', 2, author),
    (error) => error instanceof NotFoundError || error instanceof ConflictError,
  );
}

/** All that was there before is there. */
async function assertWhole(registry: Registry, aliases: readonly string[]): Promise<void> {
  assert.deepEqual(await registry.versions('cats'), [1, 2]);
  for (const version of [1, 2]) assert.deepEqual(await registry.verify('cats', version), []);
  assert.deepEqual(
    (await registry.aliases('cats')).map(({ alias }) => alias),
    aliases,
  );
  assert.equal((await registry.changes('cats')).length, 1);
}

onEachStore('deleting a model', (test) => {
  test('removes everything of it but the tombstone, and nothing of another', async ({ store }) => {
    const registry = await filled(store);
    await registry.publish('cats-2', draft());

    assert.deepEqual(await registry.deleteModel('cats', author), [1, 2]);

    assert.deepEqual(await keysOf(store), [TOMBSTONE]);
    assert.deepEqual(await registry.models(), ['cats-2']);
    assert.deepEqual(await registry.leftovers(), []);
    assert.deepEqual(await registry.unfinishedDeletions(), []);
    await assert.rejects(registry.deleteModel('cats', author), NotFoundError);
    await assert.rejects(registry.deleteModel('dogs', author), NotFoundError);
  });

  test('is refused while it is in production, unless forced', async ({ store }) => {
    const registry = await filled(store, { production: true });

    await assert.rejects(registry.deleteModel('cats', author), ConflictError);

    await assertWhole(registry, ['production', 'staging']);
    await registry.move('cats', 'production', 1, author);
    await registry.deleteModel('cats', author, { force: true });
    assert.deepEqual(await keysOf(store), [TOMBSTONE]);
  });

  test('frees its name; no version number is used twice', async ({ store }) => {
    const registry = await filled(store);
    await registry.deleteModel('cats', author);

    const { version } = await registry.publish('cats', draft({ seed: 9 }));

    assert.deepEqual([version, await registry.versions('cats')], [3, [3]]);
    await registry.move('cats', 'production', 3, author);
    assert.deepEqual((await registry.alias('cats', 'production'))?.history.length, 1);
    assert.deepEqual(await registry.changes('cats'), []);
    assert.deepEqual(await listUnknown(store, 'cats', { most: 10 }), []);
    await registry.deleteModel('cats', author, { force: true });
    assert.equal((await registry.publish('cats', draft())).version, 4);
  });

  test('takes one that has nothing but what a killed training left', async ({ store, registry }) => {
    await assert.rejects(openRegistry(dyingAfter(store, 3)).publish('cats', draft()));
    assert.equal((await registry.leftovers()).length, 1);

    assert.deepEqual(await registry.deleteModel('cats', author), []);

    assert.deepEqual(await registry.leftovers(), []);
    assert.equal((await registry.publish('cats', draft())).version, 2);
  });
});

for (const force of [false, true]) {
  it(`leaves a model whole or gone wherever it is killed, and is finished by repeating it${force ? ', forced' : ''}`, async () => {
    const outcomes = { whole: 0, gone: 0 };
    for (let writes = 0; ; writes++) {
      const store = memoryStore();
      const registry = await filled(store, { production: force });
      const also = async () => store.delete('jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV/checkpoint/state.json');
      const killed = await openRegistry(dyingAfter(store, writes))
        .deleteModel('cats', author, { force, also })
        .then(
          () => false,
          () => true,
        );
      if (!killed) break;
      const unfinished = await registry.unfinishedDeletions();
      if ((await registry.versions('cats')).length > 0) {
        await assertWhole(registry, force ? ['production', 'staging'] : ['staging']);
        outcomes.whole++;
      } else {
        await assertGone(registry);
        assert.deepEqual(unfinished, ['cats']);
        await assert.rejects(registry.publish('cats', draft()), ConflictError);
        outcomes.gone++;
      }
      assert.deepEqual(await registry.leftovers(), []);

      // What was decided is finished without being forced again.
      await registry.deleteModel('cats', author, { force: force && unfinished.length === 0 });

      await assertGone(registry);
      assert.deepEqual(await keysOf(store), [TOMBSTONE]);
      assert.equal((await registry.publish('cats', draft())).version, 3);
      assert.deepEqual(await registry.verify('cats', 3), []);
    }
    assert.ok(outcomes.whole >= 1 && outcomes.gone > 10, JSON.stringify(outcomes));
  });
}

it('is seen as whole or gone at every moment by a reader beside it', async () => {
  const store = memoryStore();
  const registry = await filled(store);
  const seen = new Set<number>();
  const watched = intercepted(store, async (operation) => {
    if (operation !== 'put' && operation !== 'delete') return;
    const versions = await registry.versions('cats');
    seen.add(versions.length);
    for (const version of versions) assert.deepEqual(await registry.verify('cats', version), []);
  });
  await openRegistry(watched).deleteModel('cats', author);
  assert.deepEqual(seen, new Set([2, 0]));
});

it('lets no publisher through that began before it, however late that one writes', async () => {
  let late = 0;
  for (let step = 1; step <= 12; step++) {
    const { store, registry, publish } = settingOf(memoryStore());
    await publish(1);
    let writes = 0;
    const slow = intercepted(store, async (operation) => {
      if (operation === 'put' && ++writes === step) await registry.deleteModel('cats', author);
    });
    const published = await openRegistry(slow)
      .publish('cats', draft({ seed: 9 }))
      .then(
        ({ version }) => version,
        (error: unknown) => error,
      );
    if (writes < step) break;
    if (typeof published === 'number') {
      // Its number was taken when the deletion was over: it is a new model, and whole.
      assert.deepEqual([published, await registry.versions('cats')], [2, [2]]);
      assert.deepEqual(await registry.verify('cats', 2), []);
      continue;
    }
    late++;
    assert.ok(published instanceof ConflictError, String(published));
    assert.deepEqual(await registry.versions('cats'), []);
    const { version } = await registry.publish('cats', draft());
    assert.ok(version > 2, String(version));
    assert.deepEqual(await registry.verify('cats', version), []);
  }
  assert.ok(late >= 3, String(late));
});

it('never takes a model out of production unforced, in whatever order moves, publications and deletions meet', async () => {
  const random = new Random(5);
  const counts = { deleted: 0, kept: 0 };
  for (let round = 0; round < 400; round++) {
    const { store, registry, publish } = settingOf(memoryStore());
    await publish(2);
    if (round % 3 === 0) {
      await registry.move('cats', 'production', 1, author);
      await registry.deleteAlias('cats', 'production', { force: true });
    }
    const shuffled = intercepted(store, async (operation, key) => {
      for (let ticks = random.below(12); ticks > 0; ticks--) await Promise.resolve();
      if (operation === 'delete' && key.startsWith('models/cats/versions/2/')) {
        assert.equal(await registry.alias('cats', 'production'), null, 'deleted in production');
      }
    });
    const at = openRegistry(shuffled);
    const work: Promise<unknown>[] = [
      at.deleteModel('cats', author),
      at.move('cats', 'production', 2, author),
      at.publish('cats', draft({ seed: round })),
    ];
    if (round % 2) work.push(at.deleteModel('cats', author));
    if (round % 5 === 0) work.push(at.delete('cats', 1, author));
    for (const each of await Promise.allSettled(work)) {
      if (each.status === 'rejected') {
        const { reason } = each as { reason: unknown };
        assert.ok(reason instanceof ConflictError || reason instanceof NotFoundError, String(reason));
      }
    }
    if ((await registry.unfinishedDeletions()).length > 0) await registry.deleteModel('cats', author);
    const versions = await registry.versions('cats');
    for (const version of versions) assert.deepEqual(await registry.verify('cats', version), []);
    for (const { version } of await registry.aliases('cats')) assert.ok(versions.includes(version));
    if ((await registry.alias('cats', 'production')) === null) counts.deleted++;
    else counts.kept++;
  }
  assert.ok(counts.deleted > 10 && counts.kept > 10, JSON.stringify(counts));
});

onEachStore('deleting an alias', (test) => {
  test('takes it and its history, and leaves versions and other aliases', async ({ registry, publish }) => {
    await publish(2);
    await registry.move('cats', 'production', 1, author);
    await registry.move('cats', 'staging', 1, author);
    await registry.move('cats', 'staging', 2, author);
    const first = await registry.alias('cats', 'staging');

    await registry.deleteAlias('cats', 'staging');

    assert.equal(await registry.alias('cats', 'staging'), null);
    assert.deepEqual(
      (await registry.aliases('cats')).map(({ alias }) => alias),
      ['production'],
    );
    await assert.rejects(registry.resolve('cats@staging'), NotFoundError);
    await assert.rejects(registry.deleteAlias('cats', 'staging'), NotFoundError);
    await assert.rejects(registry.rollback('cats', 'staging', author), NotFoundError);
    await registry.delete('cats', 2, author);
    const again = await registry.move('cats', 'staging', 1, { ...author, expected: null });
    assert.equal(again.history.length, 1);
    assert.ok(again.revision > (first?.revision ?? 0), 'a revision is never used twice');
  });

  test('is refused for "production" unless forced', async ({ registry, publish }) => {
    await publish(1);
    await registry.move('cats', 'production', 1, author);
    await assert.rejects(registry.deleteAlias('cats', 'production'), ConflictError);
    assert.equal((await registry.alias('cats', 'production'))?.version, 1);
    await registry.deleteAlias('cats', 'production', { force: true });
    assert.equal(await registry.alias('cats', 'production'), null);
    await registry.deleteModel('cats', author);
  });
});

describe('deleting a model in S3', { skip: whyNoGo() }, () => {
  let server: S3Server;
  before(async () => (server = await startS3()));
  after(() => server.stop());

  it('removes everything of it, after a kill too, and frees its name', async () => {
    const store = openStore(`s3://${await server.bucket()}/registry`, { s3: optionsFor(server.port) });
    const registry = await filled(store, { production: true });
    await assert.rejects(registry.deleteModel('cats', author), ConflictError);
    await assertWhole(registry, ['production', 'staging']);
    await assert.rejects(
      openRegistry(dyingAfter(store, 5)).deleteModel('cats', author, { force: true }),
      /killed/,
    );
    await assertGone(registry);

    await registry.deleteModel('cats', author);

    assert.deepEqual(await keysOf(store), [TOMBSTONE]);
    assert.equal((await registry.publish('cats', draft())).version, 3);
    assert.deepEqual(await registry.verify('cats', 3), []);
  });
});
