import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { ConflictError, InvalidInputError, NotFoundError } from '../../../core/errors.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { author, bytes, draft, intercepted, onEachStore, settingOf, withFolder } from './support.ts';

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

onEachStore('publishing', (test) => {
  test('gives numbers from 1 on, and back what was published', async ({ registry, store }) => {
    const first = await registry.publish('cats', draft());
    const second = await registry.publish(
      'cats',
      draft({ parent: { model: 'cats', version: 1 }, job: 'job-1' }),
    );
    assert.deepEqual([first.version, second.version], [1, 2]);
    assert.deepEqual(await registry.versions('cats'), [1, 2]);
    assert.deepEqual(await registry.models(), ['cats']);
    assert.deepEqual(await registry.manifest('cats', 2), second);
    assert.deepEqual(second.recipe, draft().recipe);
    assert.deepEqual(second.dataSet, draft().dataSet);
    assert.deepEqual(second.parent, { model: 'cats', version: 1 });
    assert.equal(second.job, 'job-1');
    assert.deepEqual(second.files, {
      'gallery.arrow': { size: 7, sha256: createHash('sha256').update('gallery').digest('hex') },
      'network/model.json': { size: 2, sha256: createHash('sha256').update('{}').digest('hex') },
    });
    assert.deepEqual(await registry.file('cats', 2, 'gallery.arrow'), bytes('gallery'));
    assert.deepEqual(await registry.verify('cats', 2), []);
    assert.deepEqual(await keysOf(store), [
      'models/cats/publications/job-1.json',
      'models/cats/versions/1/claim.json',
      'models/cats/versions/1/gallery.arrow',
      'models/cats/versions/1/manifest.json',
      'models/cats/versions/1/network/model.json',
      'models/cats/versions/2/claim.json',
      'models/cats/versions/2/gallery.arrow',
      'models/cats/versions/2/manifest.json',
      'models/cats/versions/2/network/model.json',
    ]);
  });

  test('takes files from the disk', async ({ registry }) => {
    await withFolder(async (folder) => {
      await writeFile(join(folder, 'weights'), 'weights');
      await registry.publish(
        'cats',
        draft({ files: { 'network/weights': { file: join(folder, 'weights') } } }),
      );
      assert.deepEqual(await registry.file('cats', 1, 'network/weights'), bytes('weights'));
    });
  });

  test('makes files that tell the number once it is known', async ({ registry }) => {
    const numbered = { 'report.html': (version: number) => bytes(`cats@${version}`) };
    await registry.publish('cats', draft());
    const { files } = await registry.publish('cats', draft({ numbered }));
    assert.deepEqual(await registry.file('cats', 2, 'report.html'), bytes('cats@2'));
    assert.equal(files['report.html']?.size, 6);
    await assert.rejects(
      registry.publish('cats', draft({ numbered: { 'manifest.json': () => bytes('{}') } })),
      InvalidInputError,
    );
    assert.deepEqual(await registry.leftovers(), []);
  });

  test('gives publishers at once different numbers', async ({ registry }) => {
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, seed) => registry.publish('cats', draft({ seed }))),
    );
    const numbers = all.map(({ version }) => version).toSorted((a, b) => a - b);
    assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    for (const { version, seed } of all) assert.equal((await registry.manifest('cats', version)).seed, seed);
  });

  test('never gives a number again, not even the last one after its deletion', async ({
    registry,
    publish,
  }) => {
    await publish(3);
    await registry.delete('cats', 3, author);
    await registry.delete('cats', 1, author);
    assert.equal((await registry.publish('cats', draft())).version, 4);
    assert.deepEqual(await registry.versions('cats'), [2, 4]);
  });

  test('publishes once for a job, however often it is asked', async ({ registry }) => {
    const first = await registry.publish('cats', draft({ job: 'j' }));
    const again = await registry.publish('cats', draft({ job: 'j', seed: 99 }));
    assert.deepEqual(again, first);
    assert.equal((await registry.publish('cats', draft({ job: 'k' }))).version, 2);
    assert.deepEqual(await registry.leftovers(), []);
  });

  test('ends with one version when a job is run by several processes at once', async ({ registry }) => {
    const tries = Array.from({ length: 6 }, () => registry.publish('cats', draft({ job: 'j' })));
    const outcomes = await Promise.allSettled(tries);
    for (const each of outcomes)
      assert.ok(each.status === 'fulfilled' || each.reason instanceof ConflictError);
    const published = await registry.publish('cats', draft({ job: 'j' }));
    assert.deepEqual(await registry.versions('cats'), [published.version]);
    assert.deepEqual(await registry.verify('cats', published.version), []);
  });

  test('does not publish for a job again what was deleted since', async ({ registry }) => {
    await registry.publish('cats', draft({ job: 'j' }));
    await registry.delete('cats', 1, author);
    await assert.rejects(registry.publish('cats', draft({ job: 'j' })), /deleted since/);
  });

  test('refuses drafts that are not whole, before a number is taken', async ({ registry, store }) => {
    const bad = [
      { metrics: { loss: Number.NaN } },
      { seed: 1.5 },
      { createdBy: 3 },
      { unknown: 1 },
      { dataSet: { name: 'x', pictures: [{ key: 'a', sha256: 'short' }] } },
      { parent: { model: 'cats', version: 0 } },
      { job: '../x' },
      { files: { '../x': bytes('') } },
      { files: { 'manifest.json': bytes('') } },
    ];
    for (const changes of bad) {
      const wrong: object = { ...draft(), ...changes };
      // @ts-expect-error: wrong on purpose
      await assert.rejects(registry.publish('cats', wrong), InvalidInputError, JSON.stringify(changes));
    }
    await assert.rejects(
      registry.publish('cats', draft({ files: { x: { file: '/no/such/file' } } })),
      NotFoundError,
    );
    await assert.rejects(registry.publish('Cats & Dogs', draft()), /"cats-dogs"/);
    assert.deepEqual(await keysOf(store), []);
  });

  test('reports what a dead publisher left and removes it on request', async ({ store, registry }) => {
    await assert.rejects(publishDying(store, 4), /killed/);
    assert.deepEqual(await registry.models(), []);
    assert.deepEqual(await registry.versions('cats'), []);
    const [leftOver, ...others] = await registry.leftovers();
    assert.deepEqual(others, []);
    assert.deepEqual([leftOver?.model, leftOver?.version, leftOver?.claim?.job], ['cats', 1, 'j']);

    await registry.removeLeftover('cats', 1, author);

    assert.deepEqual(await registry.leftovers(), []);
    assert.equal((await registry.publish('cats', draft({ job: 'j' }))).version, 2);
    assert.deepEqual(await registry.versions('cats'), [2]);
    await assert.rejects(registry.removeLeftover('cats', 2, author), /published/);
    assert.deepEqual(await registry.verify('cats', 2), []);
  });
});

/** Publishes for the job "j" over a store that dies at the write of this number. */
async function publishDying(store: ObjectStore, atWrite: number): Promise<void> {
  let writes = 0;
  const dying = intercepted(store, async (operation) => {
    if (operation === 'put' && ++writes >= atWrite) throw new Error('killed');
  });
  await openRegistry(dying).publish('cats', draft({ job: 'j' }));
}

it('ends with exactly one whole version, wherever the publisher was killed, once or twice', async () => {
  for (let first = 1; first <= 6; first++) {
    for (let second = 1; second <= 6; second++) {
      const { store, registry } = settingOf(memoryStore());
      await publishDying(store, first).catch(() => undefined);
      assert.ok((await registry.versions('cats')).length <= 1);
      await publishDying(store, second).catch(() => undefined);
      const { version } = await registry.publish('cats', draft({ job: 'j' }));
      assert.deepEqual(await registry.versions('cats'), [version], `killed at writes ${first} and ${second}`);
      assert.deepEqual(await registry.verify('cats', version), []);
    }
  }
});

it('stops a publisher whose number another process of the job took over', async () => {
  const { store, registry } = settingOf(memoryStore());
  let other: Promise<unknown> | undefined;
  const slow = intercepted(store, async (operation, key) => {
    if (operation !== 'put' || !key.endsWith('model.json') || other) return;
    other = registry.publish('cats', draft({ job: 'j', files: { only: bytes('this') } }));
    await other;
  });
  await assert.rejects(openRegistry(slow).publish('cats', draft({ job: 'j' })), ConflictError);
  assert.deepEqual(Object.keys((await registry.manifest('cats', 1)).files), ['only']);
  assert.deepEqual(await registry.verify('cats', 1), []);
});

it('does not publish when a stored file is not what was written', async () => {
  const { store, registry } = settingOf(memoryStore());
  const failing = intercepted(store, async (operation, key) => {
    if (operation === 'head' && key.endsWith('gallery.arrow')) await store.put(key, bytes('other'));
  });
  await assert.rejects(
    openRegistry(failing).publish('cats', draft()),
    /gallery\.arrow.*not what was just written/,
  );
  assert.deepEqual(await registry.versions('cats'), []);
});
