import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { pack } from 'tar-stream';
import { ConflictError, CorruptDataError } from '../../../core/errors.ts';
import { writeChanges } from '../../../core/gallery/arrow-changes.ts';
import { createChange } from '../../../core/gallery/facts.ts';
import type { Change, Fact } from '../../../core/gallery/facts.ts';
import { digest } from '../../../core/images/picture.ts';
import { bytesOf } from '../../../core/network/onnx/bytes.ts';
import { readDescription } from '../../../core/network/onnx/read.ts';
import { compactGallery } from '../../../core/registry/compaction.ts';
import { encode } from '../../../core/registry/documents.ts';
import { putChange } from '../../../core/registry/gallery-log.ts';
import { seal } from '../../../core/registry/manifest.ts';
import type { Manifest } from '../../../core/registry/manifest.ts';
import { exportNetwork } from '../../../core/registry/network-export.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { openGallery } from '../../../core/registry/open-version.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { SHARP, add, pictures, publishColours, rowsOfVersion } from './colours.ts';
import { author, bytes, draft, dyingAfter, intercepted, onEachStore, withFolder } from './support.ts';

async function archived(registry: Registry, manifest: Manifest): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of registry.archive(manifest)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Imports an archive's bytes. */
async function imported(registry: Registry, archive: Uint8Array, model?: string): Promise<Manifest> {
  let made: Manifest | undefined;
  await withFolder(async (folder) => {
    const file = join(folder, 'archive.tar');
    await writeFile(file, archive);
    await mkdir(join(folder, 'scratch'));
    made = await registry.import(file, { model, createdBy: 'a test', scratch: join(folder, 'scratch') });
  });
  return made ?? assert.fail();
}

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const IMAGE = bytes('an image');
const SUM = digest(IMAGE);
const added: Fact = { op: 'add', class: '猫', sha256: SUM, file: '2.png', source: null };
const removed: Fact = { op: 'remove', class: '猫', sha256: SUM };

/** A change with an id of its own making. */
const change = (facts: readonly Fact[], by = 'a test', id = ID): Change =>
  createChange({ id, after: null, by, facts, at: '2026-11-30T12:00:00.000Z' });

async function contentOf(store: ObjectStore): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  for await (const { key } of store.list('')) {
    const found = await store.get(key);
    if (found !== null) content.set(key, digest(found.bytes));
  }
  return content;
}

onEachStore('an archive of a version', (test) => {
  test('has files, blobs, log and kept images, and makes the same version elsewhere', async ({
    registry,
  }) => {
    await withFolder(async (folder) => {
      const file = join(folder, 'weights');
      await writeFile(file, 'the weights');
      const files = {
        'gallery.arrow': bytes('gallery'),
        'a/b': bytes('b'),
        shared: { file, blob: true as const },
      };
      const manifest = await registry.publish(
        'cats',
        draft({ files, follows: 'cats', position: '01ARZ3NDEKTSV4RRFFQ69G5FAA' }),
      );
      await registry.store.put(`blobs/${SUM}`, IMAGE);
      let log: readonly Change[] = [];
      const elsewhere: Fact = {
        op: 'label',
        class: '猫',
        sha256: 'cd'.repeat(32),
        file: '3.png',
        source: 'datasets/cats/猫/3.png',
      };
      for (const fact of [added, elsewhere, removed]) {
        log = await registry.append('cats', log, [fact], 'a test');
      }
      const other = openRegistry(memoryStore());

      const archive = await archived(registry, manifest);
      const made = await imported(other, archive, 'dogs');

      assert.deepEqual(await archived(registry, manifest), archive, 'the same bytes each time');
      assert.deepEqual([made.model, made.version, made.files], ['dogs', 1, manifest.files]);
      assert.deepEqual(made.parent, { model: 'cats', version: 1 });
      for (const field of ['dataSet', 'follows', 'position', 'metrics', 'recipe'] as const) {
        assert.deepEqual(made[field], manifest[field], field);
      }
      assert.deepEqual(await other.verify('dogs', 1), []);
      assert.deepEqual(await other.changes('dogs'), log);
      assert.deepEqual((await other.store.get(`blobs/${SUM}`))?.bytes, IMAGE);
    });
  });

  test('gives one version however often it is imported, also beside the original', async (setting) => {
    const { registry, publish } = setting;
    await publish(1);
    const log = await registry.append('cats', [], [removed], 'a test');
    const archive = await archived(registry, await registry.manifest('cats', 1));

    const versions = [await imported(registry, archive), await imported(registry, archive)];

    assert.deepEqual(
      versions.map(({ version }) => version),
      [2, 2],
    );
    assert.deepEqual(await registry.changes('cats'), log);
    await registry.delete('cats', 2, author);
    await assert.rejects(imported(registry, archive), ConflictError);
  });

  test('ends with an error that names a file or kept image that is damaged', async (setting) => {
    const { registry, store, publish } = setting;
    await publish(1);
    const manifest = await registry.manifest('cats', 1);
    await registry.append('cats', [], [added], 'a test');
    const fails = async (key: string): Promise<void> =>
      assert.rejects(archived(registry, manifest), (error: unknown) => {
        return error instanceof CorruptDataError && error.message.includes(key);
      });
    await store.put(`blobs/${SUM}`, bytes('another image'));
    await fails(`blobs/${SUM}`);
    await store.delete(`blobs/${SUM}`);
    await archived(registry, manifest);
    await store.put('models/cats/versions/1/network/model.json', bytes('[]'));
    await fails('network/model.json');
  });

  test('brings changes into a log that has others, compacted ones too', async ({
    registry,
    store,
    publish,
  }) => {
    await publish(1);
    const manifest = await registry.manifest('cats', 1);
    const early = await registry.append('cats', [], [added], 'a test');
    const other = openRegistry(memoryStore());
    await imported(other, await archived(registry, manifest));
    const theirs = await other.append('cats', early, [removed], 'there');
    await compactGallery(store, 'cats', { atLeast: 1 });
    await compactGallery(store, 'cats', { atLeast: 1 });
    const ours = await registry.append('cats', early, [{ ...added, class: '犬' }], 'here');

    const later = await archived(registry, manifest);
    const made = await imported(other, later);

    const ids = [...theirs, ...ours.slice(1)].map(({ id }) => id).toSorted();
    assert.equal(made.version, 1, 'a later archive of the same version');
    assert.deepEqual(
      (await other.changes('cats')).map(({ id }) => id),
      ids,
    );
    const before = await contentOf(store);
    await imported(registry, later);
    await imported(registry, later);
    const fresh = [...(await contentOf(store)).keys()].filter((key) => !before.has(key));
    assert.ok(fresh.length > 0);
    assert.deepEqual(
      fresh.filter((key) => key.startsWith('models/cats/gallery/')),
      [],
      'changes that were compacted are not written again',
    );
  });

  test('is refused when the log has another change of the same id', async ({ registry, store }) => {
    const source = openRegistry(memoryStore());
    const manifest = await source.publish('cats', draft());
    await putChange(source.store, 'cats', change([added]));
    const archive = await archived(source, manifest);
    await putChange(store, 'cats', change([added], 'another'));
    const before = await contentOf(store);

    await assert.rejects(imported(registry, archive), ConflictError);

    assert.deepEqual(await contentOf(store), before);
    assert.equal((await imported(registry, archive, 'dogs')).version, 1);
  });
});

it('An import that is killed at any write leaves no version, or a whole one, and is completed by another', async () => {
  const source = openRegistry(memoryStore());
  const manifest = await source.publish('cats', draft());
  await source.store.put(`blobs/${SUM}`, IMAGE);
  const log = await source.append('cats', [], [added], 'a test');
  const archive = await archived(source, manifest);
  let killed = 0;
  for (let writes = 0; killed === writes; writes++) {
    const store = memoryStore();
    const registry = openRegistry(store);
    await imported(openRegistry(dyingAfter(store, writes)), archive).catch(() => killed++);
    const changes = await registry.changes('cats');
    if (changes.length > 0) assert.notEqual(await store.head(`blobs/${SUM}`), null);
    if ((await registry.versions('cats')).length > 0) assert.deepEqual(changes, log);

    const made = await imported(registry, archive);

    assert.deepEqual(await registry.versions('cats'), [made.version]);
    assert.deepEqual(await registry.verify('cats', made.version), []);
    assert.deepEqual(await registry.changes('cats'), log);
  }
  assert.ok(killed > 4, String(killed));
});

it('A change that appears while an archive is imported is let be when it is the same, else refused', async () => {
  const source = openRegistry(memoryStore());
  const manifest = await source.publish('cats', draft());
  await putChange(source.store, 'cats', change([added]));
  const archive = await archived(source, manifest);
  const importAgainst = async (mine: Change): Promise<Registry> => {
    const store = memoryStore();
    const racing = intercepted(store, async (operation, key) => {
      if (operation === 'put' && key.endsWith(`${ID}.arrow`)) await putChange(store, 'cats', mine);
    });
    await imported(openRegistry(racing), archive);
    return openRegistry(store);
  };

  assert.deepEqual(await (await importAgainst(change([added]))).versions('cats'), [1]);
  await assert.rejects(importAgainst(change([removed])), ConflictError);
});

type Entry = readonly [name: string, content: Uint8Array | { readonly link: string }];

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of entries) {
    if (content instanceof Uint8Array) archive.entry({ name }, Buffer.from(content));
    else archive.entry({ name, type: 'symlink', linkname: content.link });
  }
  archive.finalize();
  return Buffer.concat(await collected(archive as AsyncIterable<Uint8Array>));
}

it('A hostile archive is refused, and nothing of it is written', async () => {
  const source = openRegistry(memoryStore());
  const { checksum: _, ...manifest } = await source.publish('cats', draft({ files: { a: bytes('A') } }));
  const named = (files: Manifest['files']): Entry => ['manifest.json', encode(seal({ ...manifest, files }))];
  const { a } = manifest.files as { a: Manifest['files'][string] };
  const first = named({ a });
  const file: Entry = ['files/a', bytes('A')];
  const log: Entry = ['log.arrow', await writeChanges([change([added])])];
  const image: Entry = [`images/${SUM}`, IMAGE];
  const whole = await tarOf([first, file, log, image]);
  const cases: Record<string, Buffer> = {
    'no archive': Buffer.from('PK\u0003\u0004 not a tar'.padEnd(2048, 'x')),
    empty: Buffer.alloc(0),
    'cut short': whole.subarray(0, 700),
    'without a manifest': await tarOf([file]),
    'with a changed manifest': await tarOf([
      ['manifest.json', encode({ ...manifest, checksum: _, seed: 99 })],
      file,
    ]),
    'of a model with another name': await tarOf([
      ['manifest.json', encode(seal({ ...manifest, model: '../x' }))],
      file,
    ]),
    'lacking a file': await tarOf([first]),
    'with another content': await tarOf([first, ['files/a', bytes('B')]]),
    'with another size': await tarOf([first, ['files/a', bytes('AA')]]),
    'with a file twice': await tarOf([first, file, file]),
    'with a file that is not named': await tarOf([first, file, ['files/b', bytes('B')]]),
    'with a file elsewhere': await tarOf([first, file, ['../../b', bytes('B')]]),
    'with a link': await tarOf([first, ['files/a', { link: '/etc/passwd' }]]),
    'with a name that leads out': await tarOf([named({ '../../../x': a }), ['files/../../../x', bytes('A')]]),
    'with a reserved name': await tarOf([named({ 'claim.json': a }), ['files/claim.json', bytes('A')]]),
    'with a log that is none': await tarOf([first, file, ['log.arrow', bytes('x')]]),
    'with two logs': await tarOf([first, file, log, log]),
    'with a change after which none can come': await tarOf([
      first,
      file,
      ['log.arrow', await writeChanges([change([added], 'a test', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ')])],
    ]),
    'with an image that the log does not name': await tarOf([first, file, image]),
    'with an image twice': await tarOf([first, file, log, image, image]),
    'with an image of another content': await tarOf([first, file, log, [image[0], bytes('another')]]),
    'with an image that leads out': await tarOf([first, file, log, ['images/../x', IMAGE]]),
    'following what cannot be a dataset': await tarOf([
      ['manifest.json', encode(seal({ ...manifest, files: { a }, follows: '../models' }))],
      file,
    ]),
  };
  for (const [name, archive] of Object.entries(cases)) {
    const store = memoryStore();
    await assert.rejects(imported(openRegistry(store), archive), (error: unknown) => {
      assert.ok(
        error instanceof Error && 'code' in error && /corrupt|invalid/.test(String(error.code)),
        name,
      );
      return true;
    });
    assert.deepEqual(await collected(store.list('')), [], name);
  }
  assert.equal((await imported(openRegistry(memoryStore()), whole)).version, 1);
});

it('An imported version answers with the same gallery, and its network is written in the layouts of others', async () => {
  const registry = openRegistry(memoryStore());
  const other = openRegistry(memoryStore());
  const manifest = await publishColours(registry, SHARP, await pictures(['red', 'green'], 0, 2));
  await add(registry, 1, await pictures(['blue'], 0, 1));

  const archive = await archived(registry, manifest);
  await imported(other, archive);
  await imported(other, archive, 'paints');

  const rows = await rowsOfVersion(registry, 1);
  assert.equal(rows.length, 5);
  assert.deepEqual(await rowsOfVersion(other, 1), rows);
  const { gallery, missing } = await openGallery(other, { model: 'paints', version: 1, alias: null });
  assert.deepEqual([gallery.keys, missing], [rows.map(([key]) => key), []]);
  await withFolder(async (folder) => {
    await exportNetwork(other, manifest, 'onnx', join(folder, 'onnx'));
    await exportNetwork(other, manifest, 'tfjs', join(folder, 'tfjs'));
    assert.deepEqual(await readdir(join(folder, 'onnx')), ['embedding.onnx']);
    assert.deepEqual((await readdir(join(folder, 'tfjs'))).toSorted(), ['model.json', 'weights.bin']);
    const onnx = await readFile(join(folder, 'onnx', 'embedding.onnx'));
    assert.match(readDescription(bytesOf(onnx, 'it')), /"size":4/);
    await assert.rejects(exportNetwork(other, manifest, 'onnx', join(folder, 'onnx')), ConflictError);
  });
});
