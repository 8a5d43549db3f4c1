import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError, CorruptDataError } from '../../../core/errors.ts';
import { readGallery, writeGallery, writeSegment } from '../../../core/gallery/arrow.ts';
import { addPictures, removeKeys, renameClass } from '../../../core/gallery/operations.ts';
import type { Segment } from '../../../core/gallery/segments.ts';
import type { Gallery } from '../../../core/gallery/gallery.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { carryOver } from '../../../core/registry/carry-over.ts';
import type { CarriedOver, CarryOptions } from '../../../core/registry/carry-over.ts';
import { openGallery } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { race, start } from '../storage/programs.ts';
import { add, embedWith, OTHER, picture, pictures, publishColours, rowsOfVersion, SHARP } from './colours.ts';
import { author, intercepted, withFolder } from './support.ts';

const CLASSES = ['red', 'green'];
const PROGRAM = new URL('programs/carry.ts', import.meta.url);

/** Two versions of the same pictures that see differently. */
async function twoVersions(registry: Registry): Promise<void> {
  const train = await pictures(CLASSES, 0, 2);
  await publishColours(registry, SHARP, train);
  await publishColours(registry, OTHER, train);
}

async function carry(
  registry: Registry,
  options: Partial<CarryOptions> = {},
  way = { from: 1, to: 2 },
): Promise<CarriedOver> {
  const embed = async (some: readonly Picture[]) => embedWith(registry, way.to, some);
  return carryOver(registry, 'colours', way, { missing: 'refuse', embed, ...options });
}

async function change(
  registry: Registry,
  version: number,
  make: (gallery: Gallery) => Segment,
): Promise<string> {
  const { gallery } = await openGallery(registry, { model: 'colours', version, alias: null });
  const segment = make(gallery);
  await registry.addSegment('colours', version, segment.id, await writeSegment(segment));
  return segment.id;
}

const keysOf = async (registry: Registry, version: number): Promise<string[]> =>
  (await rowsOfVersion(registry, version)).map(([key]) => key);

/** Every row is what the version's matrix makes of the colour in its key: worked out by hand. */
function assertEmbeddedBy(sees: readonly number[], rows: readonly [string, number[]][]): void {
  const colours: Record<string, number[]> = { red: [200, 30, 30], green: [30, 200, 30], blue: [30, 30, 200] };
  for (const [key, embedding] of rows) {
    const [name = '', file = ''] = key.split('/');
    const expected = colours[name]?.map((value, i) => (value + Number.parseInt(file)) * (sees[i] ?? 0));
    for (const [i, value] of embedding.entries())
      assert.ok(Math.abs(value - (expected?.[i] ?? 0)) < 1e-3, key);
  }
}

describe('carrying a gallery over to another version', () => {
  it('embeds what was added again, with the other network, and keeps the order and names of the changes', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const added = await add(registry, 1, await pictures(['red', 'blue'], 5, 7));
    const removed = await change(registry, 1, (gallery) => removeKeys(gallery, ['red/0.png', 'blue/6.png']));

    const { changes, embedded, missing } = await carry(registry);

    assert.deepEqual([changes, embedded, missing], [2, 3, []]);
    assert.deepEqual(await registry.segments('colours', 2), [added, removed]);
    assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
    assertEmbeddedBy(SHARP, await rowsOfVersion(registry, 1));
    assertEmbeddedBy(OTHER, await rowsOfVersion(registry, 2));
  });

  it('embeds nothing that the version has embedded itself', async () => {
    const registry = openRegistry(memoryStore());
    await publishColours(registry, SHARP, await pictures(CLASSES, 0, 2));
    await publishColours(registry, OTHER, await pictures([...CLASSES, 'blue'], 0, 2));
    await add(registry, 1, await pictures(['blue'], 0, 2));
    await change(registry, 1, (gallery) => renameClass(gallery, 'blue', 'sky'));

    const { embedded } = await carry(registry, { embed: () => assert.fail('nothing is to be embedded') });

    assert.equal(embedded, 0);
    assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
  });

  it('does nothing at all when a picture was not kept, unless it may be left out', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const [kept, lost] = await pictures(['blue'], 0, 2);
    assert.ok(kept && lost);
    await add(registry, 1, [kept, lost], [kept]);

    const refused = await carry(registry);
    assert.deepEqual(
      refused.missing.map(({ key }) => key),
      ['blue/1.png'],
    );
    assert.deepEqual(await registry.segments('colours', 2), []);
    const done = await carry(registry, { missing: 'drop' });

    assert.deepEqual(
      done.missing.map(({ key }) => key),
      ['blue/1.png'],
    );
    assert.deepEqual(await keysOf(registry, 2), [
      'blue/0.png',
      'green/0.png',
      'green/1.png',
      'red/0.png',
      'red/1.png',
    ]);
    assert.deepEqual(await carry(registry), { changes: 0, embedded: 0, missing: [], kept: [] });
  });

  it('takes pictures from data sets of the registry, as long as they are there', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const blue = await picture('blue', 3);
    const { key } = await registry.addToDataSet('sky', {
      className: 'blue',
      file: '3.png',
      bytes: await blue.read(),
    });
    await add(
      registry,
      1,
      [blue],
      [{ ...blue, source: key, read: () => assert.fail('it is there already') }],
    );

    await registry.store.delete(key);
    assert.equal((await carry(registry)).missing.length, 1);
    await registry.store.put(key, await (await picture('blue', 4)).read());
    assert.equal((await carry(registry)).missing.length, 1, 'another picture has its name');
    await registry.store.put(key, await blue.read());
    assert.equal((await carry(registry)).embedded, 1);

    assertEmbeddedBy(OTHER, await rowsOfVersion(registry, 2));
  });

  it('goes on until nothing is new, however much is added meanwhile', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    await add(registry, 1, [await picture('blue', 0)]);
    let left = 3;
    const { changes } = await carry(registry, {
      embed: async (some) => {
        if (left-- > 0) await add(registry, 1, [await picture('blue', 10 + left)]);
        return embedWith(registry, 2, some);
      },
    });

    assert.equal(changes, 4);
    assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
  });

  it('keeps what it embedded when it is cancelled', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    await add(registry, 1, await pictures(['blue'], 0, 40));
    const controller = new AbortController();
    const stopping = carry(registry, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await assert.rejects(stopping, CancelledError);

    const { embedded } = await carry(registry);

    assert.equal(embedded, 8);
    assert.equal((await keysOf(registry, 2)).length, 44);
    for await (const { key } of registry.store.list('models/colours/versions/2/carry-over/'))
      assert.fail(key);
  });

  it('ends the same when it is killed at any moment and done again', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await twoVersions(registry);
      await add(registry, 1, await pictures(['blue'], 0, 40));
      await change(registry, 1, (gallery) => renameClass(gallery, 'red', 'crimson'));
      await add(registry, 1, await pictures(['yellow'], 0, 2));
      const moments = [
        [/put .*carry-over\//, 2],
        [/put .*versions\/2\/gallery\//, 1],
        [/put .*versions\/2\/gallery\//, 2],
        [/delete .*carry-over\//, 1],
      ] as const;
      for (const [where, times] of moments) {
        const program = start(PROGRAM, [folder, '1', '2', where.source, String(times)]);
        assert.equal(await program.line(), 'ready');
        program.tell('go');
        assert.match((await program.line()) ?? '', where);
        await program.kill();
      }
      const last = race(PROGRAM, [[folder, '1', '2']]);

      // All was written; only the clearing away was left.
      assert.deepEqual(await last, [['0 0']]);
      assert.deepEqual(await registry.segments('colours', 2), await registry.segments('colours', 1));
      assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
      assert.equal(new Set(await keysOf(registry, 2)).size, 46);
    });
  });

  it('is done once by two at once', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await twoVersions(registry);
      for (let n = 0; n < 6; n++) await add(registry, 1, [await picture('blue', n)]);

      const printed = await race(PROGRAM, [
        [folder, '1', '2'],
        [folder, '1', '2'],
      ]);

      const changes = printed.map(([line = '']) => Number(line.split(' ')[0]));
      assert.equal((changes[0] ?? 0) + (changes[1] ?? 0), 6);
      assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
      assertEmbeddedBy(OTHER, await rowsOfVersion(registry, 2));
    });
  });
});

describe('a gallery is bound to its version', () => {
  it('on disk: the gallery of another version, and one of its changes, are refused when copied over', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await twoVersions(registry);
      const id = await add(registry, 1, [await picture('blue', 0)]);
      const inVersion = (version: number, file: string): string =>
        path.join(folder, 'models', 'colours', 'versions', String(version), file);
      const open = async () => openGallery(registry, { model: 'colours', version: 2, alias: null });
      const before = readFileSync(inVersion(2, 'gallery.arrow'));

      cpSync(inVersion(1, 'gallery.arrow'), inVersion(2, 'gallery.arrow'));
      await assert.rejects(open, /versions\/2\/gallery\.arrow" is damaged/);
      writeFileSync(inVersion(2, 'gallery.arrow'), before);
      await registry.addSegment('colours', 2, id, readFileSync(inVersion(1, `gallery/${id}.arrow`)));

      await assert.rejects(open, (error: unknown) => {
        return (
          error instanceof CorruptDataError &&
          /change \w+ of colours@2 was made by .* cannot be mixed/.test(error.message)
        );
      });
      await registry.removeSegment('colours', 2, id);
      await open();
    });
  });

  it('on disk: a whole version whose gallery another network made is refused', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await twoVersions(registry);
    const two = await registry.manifest('colours', 2);
    const file = async (version: number, name: string) => registry.file('colours', version, name);
    const { recipe, seed, dataSet, libraries, engine, metrics, createdBy } = two;
    await registry.publish('colours', {
      recipe,
      seed,
      dataSet,
      libraries,
      engine,
      metrics,
      createdBy,
      files: {
        ...Object.fromEntries(
          await Promise.all(Object.keys(two.files).map(async (name) => [name, await file(2, name)] as const)),
        ),
        'gallery.arrow': await file(1, 'gallery.arrow'),
      },
    });

    await assert.rejects(
      openGallery(registry, { model: 'colours', version: 3, alias: null }),
      /gallery of colours@3 was made by network \w+, but the version has network/,
    );
  });

  it('by type: what is added names the network that embedded it', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const { gallery } = await openGallery(registry, { model: 'colours', version: 1, alias: null });
    const other = readGallery(
      await writeGallery(
        (await openGallery(registry, { model: 'colours', version: 2, alias: null })).gallery,
      ),
    );

    assert.throws(() => addPictures(gallery, other), /was made by .* cannot be mixed/);
    // @ts-expect-error: numbers of unknown origin
    assert.throws(() => addPictures(gallery, { embeddings: new Float32Array(3), keys: ['blue/1'] }));
    assert.equal(addPictures(gallery, gallery).entries.length, 4);
  });
});

describe('pictures that are kept for a model', () => {
  const kept = async (registry: Registry): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of registry.store.list('models/colours/pictures/')) keys.push(key);
    return keys.map((key) => key.slice('models/colours/pictures/'.length));
  };

  it('are there once, under their checksum, for all versions', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const blue = await picture('blue', 1);
    await add(registry, 1, [blue]);
    await add(registry, 2, [blue, { ...blue, key: 'sky/1.png', className: 'sky' }]);

    assert.deepEqual(await kept(registry), [blue.sha256]);
    const stored = await registry.store.get(`models/colours/pictures/${blue.sha256}`);
    assert.deepEqual(stored?.bytes, await blue.read());
  });

  it('are not kept when they are others by then, and nothing refers to them', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    const [blue, other] = await pictures(['blue'], 1, 3);
    assert.ok(blue && other);

    await assert.rejects(
      add(registry, 1, [blue], [{ ...blue, read: () => other.read() }]),
      /changed while it was added/,
    );

    assert.deepEqual(await kept(registry), []);
    assert.deepEqual(await registry.segments('colours', 1), []);
  });

  it('go with the last version that has them, and not before', async () => {
    const registry = openRegistry(memoryStore());
    await twoVersions(registry);
    await publishColours(registry, [1, 2, 3], await pictures(CLASSES, 0, 2));
    const [shared, own] = await pictures(['blue'], 0, 2);
    assert.ok(shared && own);
    await add(registry, 1, [shared]);
    await carry(registry);
    await add(registry, 1, [own]);

    assert.equal(await registry.delete('colours', 1, author), 1);
    assert.deepEqual(await kept(registry), [shared.sha256]);
    assert.equal(await registry.delete('colours', 3, author), 0);
    assert.equal(await registry.delete('colours', 2, author), 1);
    assert.deepEqual(await kept(registry), []);
  });

  it('stay when somebody is about to refer to them', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await twoVersions(registry);
    await publishColours(registry, [1, 2, 3], await pictures(CLASSES, 0, 2));
    let deleted: number | undefined;
    const meanwhile = openRegistry(
      intercepted(store, async (operation, key) => {
        if (operation !== 'put' || !/versions\/2\/gallery\//.test(key)) return;
        deleted = await registry.delete('colours', 3, author);
      }),
    );

    await add(meanwhile, 2, [await picture('blue', 0)]);

    assert.equal(deleted, 0);
    assert.equal((await carry(registry, {}, { from: 2, to: 1 })).embedded, 1);
  });

  it('wait for somebody who clears away', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await twoVersions(registry);
    const blue = await picture('blue', 0);
    // Left behind by somebody who was killed before referring to it.
    await store.put(`models/colours/pictures/${blue.sha256}`, await blue.read());
    let adding: Promise<string> | undefined;
    const clearing = openRegistry(
      intercepted(store, async (operation, key) => {
        if (operation !== 'delete' || !key.endsWith(blue.sha256)) return;
        adding = add(registry, 2, [blue]);
        for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
      }),
    );

    assert.equal(await clearing.delete('colours', 1, author), 1);
    await adding;

    assert.deepEqual(await kept(registry), [blue.sha256]);
  });
});
