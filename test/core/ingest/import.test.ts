import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import {
  CancelledError,
  ConflictError,
  InvalidInputError,
  KindredError,
  NotFoundError,
} from '../../../core/errors.ts';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import { requestCancel } from '../../../core/jobs/cancel.ts';
import { labelImages } from '../../../core/ingest/label.ts';
import { embedPart } from '../../../core/ingest/import/part.ts';
import type { PartDone } from '../../../core/ingest/import/part.ts';
import { planImport } from '../../../core/ingest/import/plan.ts';
import { importProgress, noteEmbedding, secondsLeft } from '../../../core/ingest/import/progress.ts';
import { publishImport } from '../../../core/ingest/import/publish.ts';
import type { ImportRequest, ImportResult } from '../../../core/ingest/import/request.ts';
import { isImportOpen, runImport } from '../../../core/jobs/import.ts';
import { createImport, readImport, updateJob } from '../../../core/jobs/job.ts';
import type { ImportJob } from '../../../core/jobs/job.ts';
import { promote } from '../../../core/promotion/promote.ts';
import type { Promotion } from '../../../core/promotion/promote.ts';
import { openEmbedder } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { OTHER, SHARP, add, picture, pictures, publishColours, rowsOfVersion } from '../registry/colours.ts';
import { author, bytes, intercepted } from '../registry/support.ts';

const PARTS = 3;
/** In the data set "later": 20 pictures, of which one cannot be decoded. */
const LATER = ['blue', 'red'];

interface Setting {
  readonly registry: Registry;
  readonly source: { readonly store: ObjectStore; readonly prefix: string };
  readonly job: ImportJob;
}

/** A version of "colours" in production, a data set to be imported, and a job for it that is planned. */
async function setting(asked: Partial<ImportRequest> = {}, store = memoryStore()): Promise<Setting> {
  const registry = openRegistry(store);
  await publishColours(registry, SHARP, await pictures(['red', 'green'], 0, 2));
  await registry.move('colours', 'production', 1, author);
  for (const each of await pictures(LATER, 0, 9)) {
    await put(registry, each.key, await each.read());
  }
  // It is there twice, under a name that comes after.
  await put(registry, 'blue/again.png', await (await picture('blue', 3)).read());
  await put(registry, 'blue/bad.png', bytes('not a picture'));
  const job = await createImport(store, {
    dataSet: 'later',
    model: 'colours',
    version: 1,
    parts: PARTS,
    ...asked,
  });
  const source = { store, prefix: 'datasets/later/' };
  await planImport(registry, job, source, { atMost: 4 });
  return { registry, source, job };
}

async function put(registry: Registry, key: string, content: Uint8Array): Promise<void> {
  await registry.store.put(`datasets/later/${key}`, content);
}

function embed({ registry, source, job }: Setting, part: number): Promise<PartDone> {
  return embedPart(registry, job, part, source, {
    open: (version) => openEmbedder(registry, version),
    isOpen: () => isImportOpen(registry.store, job.id),
  });
}

async function embedAll(all: Setting): Promise<PartDone[]> {
  const done: PartDone[] = [];
  for (let part = 0; part < all.job.request.parts; part++) done.push(await embed(all, part));
  return done;
}

const publish = ({ registry, job, source }: Setting): Promise<ImportResult> =>
  publishImport(registry, job, source);

/** What the gallery should come to: each picture embedded by itself, and added unless its class has it. */
async function naive(registry: Registry): Promise<[string, number[]][]> {
  const embedder = await openEmbedder(registry, { model: 'colours', version: 1 });
  const expected = new Map(await rowsOfVersion(registry, 1));
  const { decodeImage } = await import('../../../core/images/decode.ts');
  for (const each of await pictures(LATER, 0, 9)) {
    const pixels = await decodeImage(await each.read(), embedder.preprocessing);
    expected.set(each.key, [...(await embedder.embed([pixels]))]);
  }
  embedder.dispose();
  return [...expected].sort(([a], [b]) => (a < b ? -1 : 1));
}

const sortedKeys = (of: readonly [string, number[]][]): string[] =>
  of.map(([key]) => key).toSorted((a, b) => (a < b ? -1 : 1));

async function promoted(registry: Registry, version: number): Promise<Promotion> {
  const request = { model: 'colours', alias: 'production', version, ...author, gate: null, force: false };
  return promote(registry, request, { report: () => undefined, signal: undefined });
}

async function changes(registry: Registry): Promise<string[]> {
  return (await registry.changes('colours')).map(({ id }) => id);
}

async function rows(registry: Registry): Promise<[string, number[]][]> {
  return (await rowsOfVersion(registry, 1)).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function keysUnder(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key.slice(prefix.length));
  return keys;
}

describe('an import in parts', () => {
  it('adds what one picture after the other would, once, and leaves out with its reason what cannot be used', async () => {
    const all = await setting();
    const { registry, job } = all;
    const before = await rows(registry);
    const expected = await naive(registry);

    const done = await embedAll(all);
    const unchanged = await rows(registry);
    const far = await importProgress(registry.store, job);
    const again = await embedAll(all);
    const result = await publish(all);

    assert.deepEqual(
      done.map(({ pictures: of, embedded }) => [of, embedded]),
      [
        [4, 4],
        [8, 8],
        [8, 8],
      ],
    );
    assert.ok(again.every(({ embedded }) => embedded === 0));
    assert.deepEqual(unchanged, before);
    assert.deepEqual(far, { done: 20, total: 20, secondsLeft: null });
    assert.deepEqual(await rows(registry), expected);
    const { left, segment, ...counts } = result;
    assert.deepEqual(counts, { model: 'colours', version: 1, added: 16, unchanged: 2, duplicates: 1 });
    assert.deepEqual(left, { count: 1, first: [{ key: 'blue/bad.png', reason: left.first[0]?.reason }] });
    assert.match(left.first[0]?.reason ?? '', /plain text/);
    assert.deepEqual(await changes(registry), [segment]);
  });

  it('leaves images under the class that a user labelled them with', async () => {
    const all = await setting();
    const content = await (await picture('blue', 2)).read();
    const embedder = await openEmbedder(all.registry, { model: 'colours', version: 1 });
    const said = await labelImages(
      all.registry,
      await all.registry.resolve('colours@1'),
      'navy',
      [{ bytes: content, file: 'a.png' }],
      { embed: (_, some) => embedPictures(embedder, some), by: 'a test' },
    );
    embedder.dispose();
    await embedAll(all);

    const { added, unchanged } = await publish(all);

    assert.deepEqual([said.images[0]?.key, added, unchanged], ['navy/a.png', 15, 3]);
    const keys = new Set((await rows(all.registry)).map(([key]) => key));
    assert.ok(keys.has('navy/a.png') && !keys.has('blue/2.png'));
  });

  it('sees the data set as it was when it was listed, by names, and as it is when it is embedded', async () => {
    const all = await setting();
    await put(all.registry, 'blue/new.png', await (await picture('blue', 30)).read());
    await all.registry.store.delete('datasets/later/red/8.png');

    await embedAll(all);
    const { added, left } = await publish(all);

    assert.deepEqual([added, left.count], [15, 2]);
    assert.match(left.first.find(({ key }) => key === 'red/8.png')?.reason ?? '', /is gone since/);
  });

  it('is refused while a part is missing, and has no part beyond its number', async () => {
    const all = await setting();
    await embed(all, 2);

    await assert.rejects(publish(all), (error) => {
      assert.ok(error instanceof ConflictError);
      assert.match(error.message, /8 of 20 /);
      return true;
    });
    await assert.rejects(embed(all, 3), InvalidInputError);
  });

  it('comes to the same when each part runs twice at once, and two publish at once', async () => {
    const all = await setting();
    const expected = await naive(all.registry);

    await Promise.all([0, 1, 2, 2, 1, 0].map((part) => embed(all, part)));
    const [one, two] = await Promise.all([publish(all), publish(all)]);

    assert.deepEqual(one, two);
    assert.deepEqual(await changes(all.registry), [one.segment]);
    assert.deepEqual(await rows(all.registry), expected);
  });

  it('published by somebody who dies before it is written is the same change for the next one, whatever came in between', async () => {
    const store = memoryStore();
    const all = await setting({}, store);
    await embedAll(all);
    let dies = true;
    const failing = intercepted(store, async (operation, key) => {
      if (dies && operation === 'put' && key.startsWith('models/colours/gallery/')) {
        throw new Error('the machine is gone');
      }
    });
    const dying = { ...all, registry: openRegistry(failing) };

    await assert.rejects(publish(dying), /the machine is gone/);
    const nothing = await changes(all.registry);
    // Somebody adds one of the same pictures meanwhile.
    const others = await add(all.registry, 1, [await picture('blue', 0)]);
    dies = false;
    const result = await publish(all);

    assert.deepEqual(nothing, []);
    assert.equal(result.added, 16);
    assert.deepEqual(await changes(all.registry), [result.segment, others]);
    assert.deepEqual(await rows(all.registry), await naive(all.registry));
  });

  it('is in the versions to come: what a new version lacks is embedded from its dataset when that is promoted', async () => {
    const all = await setting();
    const { registry } = all;
    await embedAll(all);
    await publish(all);
    await publishColours(registry, OTHER, await pictures(['red', 'green'], 0, 2));

    const { embedded, missing } = await promoted(registry, 2);

    assert.deepEqual([embedded, missing], [16, []]);
    const [made, next] = [await rows(registry), await rowsOfVersion(registry, 2)];
    assert.deepEqual(sortedKeys(next), sortedKeys(made));
  });

  it('keeps images of a folder, which are there for the next version when the folder is gone', async () => {
    const outside = memoryStore();
    const all = await setting();
    const { registry } = all;
    for await (const { key } of registry.store.list('datasets/later/')) {
      const found = await registry.store.get(key);
      await outside.put(key.slice('datasets/later/'.length), found?.bytes ?? new Uint8Array());
      await registry.store.delete(key);
    }
    const folder = { ...all, source: { store: outside, prefix: '' } };
    await embedAll(folder);
    await publish(folder);
    await publishColours(registry, OTHER, await pictures(['red', 'green'], 0, 2));

    const { embedded, missing } = await promoted(registry, 2);

    assert.deepEqual([embedded, missing], [16, []]);
  });

  it('with the network of the version that is promoted next leaves nothing to be embedded then', async () => {
    const all = await setting();
    const { registry, source } = all;
    await embedAll(all);
    await publish(all);
    await add(registry, 1, [await picture('blue', 40)]);
    await publishColours(registry, OTHER, await pictures(['red', 'green'], 0, 2));
    const job = await createImport(registry.store, { ...all.job.request, version: 2 });
    await planImport(registry, job, source);
    await embedAll({ ...all, job });
    const again = await publishImport(registry, job, source);

    const { embedded } = await promoted(registry, 2);

    assert.deepEqual([again.added, again.segment], [0, null]);
    // Only the image that was added by itself.
    assert.equal(embedded, 1);
    const [made, next] = [await rows(registry), await rowsOfVersion(registry, 2)];
    assert.deepEqual(sortedKeys(next), sortedKeys(made));
  });

  it('ends with an error when its version was deleted meanwhile, and leaves nothing behind there', async () => {
    const all = await setting();
    const { registry, source } = all;
    const other = { ...all, job: await createImport(registry.store, all.job.request) };
    await planImport(registry, other.job, source);
    await embedAll(all);
    await publishColours(registry, OTHER, await pictures(['red', 'green'], 0, 2));
    await registry.move('colours', 'production', 2, author);
    await registry.delete('colours', 1, author);

    await assert.rejects(embed(other, 2), NotFoundError);
    await assert.rejects(publish(all), NotFoundError);

    assert.deepEqual(await changes(registry), []);
  });

  it('that was cancelled stops its parts, which keep what they have', async () => {
    const all = await setting();
    await embed(all, 1);
    await requestCancel(all.registry.store, all.job.id);

    await assert.rejects(embed(all, 0), CancelledError);

    assert.deepEqual(await importProgress(all.registry.store, all.job), {
      done: 8,
      total: 20,
      secondsLeft: null,
    });
  });

  it('is not published any more once it was stopped, and not cancelled any more once it is published', async () => {
    const store = memoryStore();
    const all = await setting({}, store);
    await embedAll(all);
    const stop = new AbortController();
    // The moment before the change is written.
    const late = intercepted(store, async (operation, key) => {
      if (operation === 'get' && key.endsWith('/0000004.json')) stop.abort();
    });
    const stopped = publishImport(openRegistry(late), all.job, all.source, { signal: stop.signal });

    await assert.rejects(stopped, CancelledError);
    const nothing = await changes(all.registry);
    // Published by a process that dies before it notes that.
    const gone = spawnSync(process.execPath, ['--eval', '0']).pid;
    const at = new Date().toISOString();
    const owner = { host: hostname(), pid: gone, token: 'x', since: at, seenAt: at };
    await updateJob(store, all.job.id, (job) => ({ ...job, state: 'running', owner }));
    await publish(all);

    assert.deepEqual(nothing, []);
    await assert.rejects(requestCancel(store, all.job.id), /in the gallery already/);
    assert.equal((await readImport(store, all.job.id)).state, 'running');
  });

  it('tells the time that is left by what was embedded since it was gone on with', async () => {
    const all = await setting();
    await embed(all, 0);
    const { store } = all.registry;
    const plan = await planImport(all.registry, all.job, all.source);
    await noteEmbedding(store, all.job.id, plan);
    await updateJob(store, all.job.id, (job) => ({ ...job, state: 'running' }));
    const early = await importProgress(store, { ...all.job, state: 'running' });
    await embed(all, 1);
    const later = await importProgress(store, { ...all.job, state: 'running' });

    assert.deepEqual([early?.done, early?.secondsLeft], [4, null]);
    assert.deepEqual([later?.done, typeof later?.secondsLeft], [12, 'number']);
    // 8 in ten seconds: 8 more take as long.
    assert.equal(secondsLeft({ at: 0, done: 4 }, 12, 20, 10_000), 10);
    assert.equal(secondsLeft({ at: 0, done: 0 }, 3, 1000, 10_000), 3300);
    assert.equal(secondsLeft({ at: 20_000, done: 0 }, 3, 1000, 10_000), null);
  });

  it('as a job was cancelled when its parts stop for that before it hears of it', async () => {
    const all = await setting();
    const { registry, source, job } = all;
    const embedding = async (): Promise<void> => {
      await requestCancel(registry.store, job.id);
      await embed(all, 0).catch(() => {
        throw new KindredError('part-failed', 'Part 0 of the import failed');
      });
    };
    const run = runImport(job, source, { registry, report: () => undefined, embed: embedding });

    await assert.rejects(run, CancelledError);
    assert.equal((await readImport(registry.store, job.id)).state, 'cancelled');
  });

  it('as a job embeds what is missing, notes its result, and clears away what it needed', async () => {
    const all = await setting();
    const { registry, source, job } = all;
    await embed(all, 1);
    const asked: number[][] = [];
    const context = {
      registry,
      report: () => undefined,
      embed: async (parts: readonly number[]) => {
        asked.push([...parts]);
        for (const part of parts) await embed(all, part);
      },
    };

    const result = await runImport(job, source, context);
    const again = await runImport(job, source, context);

    assert.deepEqual(asked, [[0, 2]]);
    assert.deepEqual(again, result);
    const { state, owner, result: kept } = await readImport(registry.store, job.id);
    assert.deepEqual([state, owner, kept], ['succeeded', null, result]);
    const left = await keysUnder(registry.store, `jobs/${job.id}/`);
    assert.deepEqual(
      left.filter((key) => key.includes('/')),
      [],
    );
  });
});
