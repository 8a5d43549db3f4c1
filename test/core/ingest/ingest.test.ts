import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { GalleryContents } from '../../../core/gallery/contents.ts';
import type { Fact } from '../../../core/gallery/facts.ts';
import { removeKeys, renameClass } from '../../../core/gallery/operations.ts';
import { followersOf } from '../../../core/ingest/followers.ts';
import { KnownGalleries } from '../../../core/ingest/known-galleries.ts';
import { labelImages } from '../../../core/ingest/label.ts';
import { syncGallery } from '../../../core/ingest/sync.ts';
import type { Synced } from '../../../core/ingest/sync.ts';
import { promote } from '../../../core/promotion/promote.ts';
import type { Promotion } from '../../../core/promotion/promote.ts';
import { openNames } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { s3Store } from '../../../core/storage/s3.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';
import { OTHER, picture, pictures, publishColours } from '../registry/colours.ts';
import { author, bytes, intercepted, withFolder } from '../registry/support.ts';
import { dataSetNow, embedding, galleryNow, put, take, trainedOn } from './following.ts';

const CLASSES = ['red', 'green'];
const sorted = (texts: readonly string[]): string[] => texts.toSorted((a, b) => (a < b ? -1 : 1));

async function colours(store: ObjectStore): Promise<Registry> {
  const registry = openRegistry(store);
  await trainedOn(registry, CLASSES, 2);
  return registry;
}

const inMemory = async (): Promise<Registry> => colours(memoryStore());

async function sync(registry: Registry, compare: 'names' | 'content'): Promise<Synced> {
  const engine = embedding(registry);
  try {
    return await syncGallery(registry, 'colours', { ...engine, compare });
  } finally {
    engine.dispose();
  }
}

async function promoted(registry: Registry, version: number): Promise<Promotion> {
  const request = { model: 'colours', alias: 'production', version, ...author, gate: null, force: false };
  return promote(registry, request, { report: () => undefined, signal: undefined });
}

async function change(registry: Registry, make: (contents: GalleryContents) => Fact[]): Promise<void> {
  const { contents } = await openNames(registry, await registry.resolve('colours'));
  await registry.append('colours', contents.changes, make(contents), 'a test');
}

const outcomes = (done: readonly { key: string; outcome: string }[]): string[] =>
  done.map(({ key, outcome }) => `${key.slice('datasets/colours/'.length)} ${outcome}`);

/** What is true of every store. */
function ingestsOn(
  name: string,
  withStore: (work: (store: ObjectStore) => Promise<void>) => Promise<void>,
): void {
  it(`takes up what comes, is replaced and goes, in classes old and new, ${name}`, async () => {
    await withStore(async (store) => {
      const registry = await colours(store);
      const keys = [await put(registry, 'red', 5), await put(registry, 'blue', 0)];
      assert.deepEqual(outcomes(await take(registry, keys)), ['red/5.png added', 'blue/0.png added']);
      assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));

      keys.push(await put(registry, 'green', 9, '1.png'));
      await registry.store.delete('datasets/colours/blue/0.png');
      assert.deepEqual(outcomes(await take(registry, keys)), [
        'red/5.png unchanged',
        'blue/0.png removed',
        'green/1.png replaced',
      ]);
      assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
      assert.equal((await registry.changes('colours')).length, 2);
    });
  });
}

describe('a gallery follows the data set that its version was trained on', () => {
  ingestsOn('in memory', async (work) => work(memoryStore()));
  ingestsOn('in a folder', async (work) => withFolder(async (folder) => work(fsStore(folder))));

  describe('in S3', { skip: whyNoGo() }, () => {
    let server: S3Server;
    before(async () => {
      server = await startS3();
    });
    after(() => server.stop());
    ingestsOn('in S3', async (work) => work(s3Store(`s3://${await server.bucket()}/base`, server.options)));
  });

  it('does nothing about the same event twice, and nothing about what is no picture of a data set', async () => {
    const registry = await inMemory();
    const key = await put(registry, 'red', 5);
    await registry.store.put('datasets/colours/red/.DS_Store', bytes('x'));
    await registry.store.put('datasets/colours/deep/red/1.png', bytes('x'));

    await take(registry, [key]);
    const again = await take(registry, [
      key,
      key,
      'datasets/colours/red/.DS_Store',
      'datasets/colours/deep/red/1.png',
      'datasets/colours/1.png',
      'datasets/others/red/1.png',
      'models/colours/versions/1/gallery.arrow',
    ]);

    assert.deepEqual(outcomes(again), ['red/5.png unchanged']);
    assert.equal((await registry.changes('colours')).length, 1);
  });

  it('tells why a picture cannot be used, lets the one before it go, and does not try it again', async () => {
    const registry = await inMemory();
    await registry.store.put('datasets/colours/red/1.png', bytes('no picture'));

    const [told] = await take(registry, ['datasets/colours/red/1.png']);

    assert.equal(told?.outcome, 'rejected');
    assert.match(told?.reason ?? '', /./);
    assert.equal((await galleryNow(registry)).length, 3);
    assert.deepEqual((await sync(registry, 'content')).changes, []);
  });

  it('goes on when the store fails in between, and when a picture changes while it is looked at', async () => {
    const store = memoryStore();
    await colours(store);
    const good = openRegistry(store);
    const key = await put(good, 'red', 5);
    const failing = openRegistry(
      intercepted(store, async (operation, at) => {
        if (operation === 'put' && /models\/colours\/gallery\//.test(at)) throw new Error('no room');
      }),
    );
    await assert.rejects(take(failing, [key]), /no room/);
    let left = 2;
    const changing = openRegistry(
      intercepted(store, async (operation, at) => {
        if (operation === 'put' && /models\/colours\/gallery\//.test(at) && left-- > 0)
          await put(good, 'red', 20 + left, '5.png');
      }),
    );

    await take(changing, [key]);

    assert.deepEqual(await galleryNow(good), await dataSetNow(good));
  });

  it('is not confused by a writer who saw an older state and whose clock is ahead', async () => {
    const store = memoryStore();
    const registry = await colours(store);
    const key = await put(registry, 'red', 5);
    const ahead = Date.now() + 60_000;
    const realNow = Date.now;
    const slow = openRegistry(
      intercepted(store, async (operation, at) => {
        if (operation !== 'put' || !/models\/colours\/gallery\//.test(at)) return;
        Date.now = realNow;
        await registry.store.delete(key);
        await take(registry, [key]);
      }),
    );
    try {
      Date.now = () => ahead;
      await take(slow, [key]);
    } finally {
      Date.now = realNow;
    }
    await put(registry, 'green', 7);
    await take(registry, [key, 'datasets/colours/green/7.png']);

    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });

  it('follows into the models that were trained on it, and no others', async () => {
    const registry = await inMemory();
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2));
    await registry.move('colours', 'production', 2, author);

    assert.deepEqual(await take(registry, [await put(registry, 'red', 5)]), [], 'a folder of that name');
    await assert.rejects(sync(registry, 'names'), /was trained on a folder/);
  });
});

describe('a model that is damaged', () => {
  it('keeps no other one from what comes to its data set', async () => {
    const registry = await inMemory();
    const { files, ...manifest } = await registry.manifest('colours', 1);
    const { recipe, seed, dataSet, follows, position, libraries, engine, metrics, createdBy } = manifest;
    const copied: Record<string, Uint8Array> = {};
    for (const name of Object.keys(files)) copied[name] = await registry.file('colours', 1, name);
    const draft = {
      recipe,
      seed,
      dataSet,
      follows,
      position,
      libraries,
      engine,
      metrics,
      createdBy,
      files: copied,
    };
    await registry.publish('another', draft);
    await registry.move('another', 'production', 1, author);
    await registry.store.put('models/another/versions/1/gallery.arrow', bytes('damaged'));

    await assert.rejects(take(registry, [await put(registry, 'red', 5)]), { name: 'CorruptDataError' });
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));

    await registry.store.put('models/another/aliases/production.json', bytes('{"half'));
    const troubles: unknown[] = [];
    const followers = async (name: string) => followersOf(registry, name, (error) => troubles.push(error));
    const done = await take(registry, [await put(registry, 'red', 6)], { followers });
    assert.deepEqual([done.map(({ model }) => model), troubles.length], [['colours'], 1]);
  });
});

describe('what users changed in a gallery', () => {
  it('stays, whatever is compared with the data set', async () => {
    const registry = await inMemory();
    const key = await put(registry, 'red', 5);
    await take(registry, [key]);
    await change(registry, (contents) => removeKeys(contents, ['red/5.png', 'red/0.png']));
    await change(registry, (contents) => renameClass(contents, 'green', 'olive'));

    await take(registry, [key, await put(registry, 'green', 5)]);
    assert.deepEqual((await sync(registry, 'content')).changes, []);

    assert.deepEqual(
      (await galleryNow(registry)).map((row) => row.split(' ')[0]),
      ['olive/0.png', 'olive/1.png', 'olive/5.png', 'red/1.png'],
    );
  });
});

describe('users who label one image differently at the same moment', () => {
  it('leave it under the class that was recorded last, in every version', async () => {
    const registry = await inMemory();
    const engine = embedding(registry);
    const resolved = await registry.resolve('colours');
    const content = await (await picture('blue', 7)).read();
    let waiting = 0;
    let go = (): void => undefined;
    const both = new Promise<void>((resolve) => (go = resolve));
    const says = async (className: string): Promise<void> => {
      await labelImages(registry, resolved, className, [{ bytes: content, file: 'x.png' }], {
        by: className,
        // Neither has written anything when the other one has read the gallery.
        embed: async (...asked) => {
          if (++waiting === 2) go();
          await both;
          return engine.embed(...asked);
        },
      });
    };

    await Promise.all(['hat', 'cap'].map(says));

    engine.dispose();
    const said = (await registry.changes('colours')).map(({ by }) => by);
    const classes = async (): Promise<string[]> =>
      (await galleryNow(registry)).map((row) => row.split('/')[0] ?? '');
    const expected = sorted(['green', 'green', 'red', 'red', said.at(-1) ?? '']);
    assert.deepEqual(sorted(said), ['cap', 'hat']);
    assert.deepEqual(await classes(), expected);
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2));
    assert.equal((await promoted(registry, 2)).promoted, true);
    assert.deepEqual(await classes(), expected);
  });
});

describe('an image that is labelled while it is ingested', () => {
  const ended = async (registry: Registry): Promise<string[]> =>
    (await galleryNow(registry)).map((row) => row.split('/')[0] ?? '');

  /** The same at every step of either of the two: there the other one comes in between, and is done. */
  async function atEveryMoment(start: ObjectStore, key: string, said: string, expected: string[]) {
    const engine = embedding(openRegistry(start));
    const content = (await start.get(key))?.bytes ?? assert.fail();
    const resolved = await openRegistry(start).resolve('colours');
    const doing = {
      ingest: async (on: Registry, { embed } = engine) => take(on, [key], { embed }),
      label: async (on: Registry, { embed } = engine) =>
        labelImages(on, resolved, said, [{ bytes: content, file: '5.png' }], { embed, by: 'a test' }),
    };
    for (const [interrupted, other] of [
      ['ingest', 'label'],
      ['label', 'ingest'],
    ] as const) {
      let steps = 0;
      for (let moment = 1; moment === 1 || moment <= steps; moment++) {
        const store = memoryStore();
        for await (const { key: one } of start.list(''))
          await store.put(one, (await start.get(one))?.bytes ?? assert.fail());
        const registry = openRegistry(store);
        steps = 0;
        const step = async (): Promise<void> => {
          if (++steps === moment) await doing[other](registry);
        };
        await doing[interrupted](openRegistry(intercepted(store, step)), {
          ...engine,
          embed: async (...asked) => (await step(), engine.embed(...asked)),
        });
        // It takes as many steps as it finds changes of the other one.
        if (steps < moment) await doing[other](registry);

        const at = `${other} at step ${moment} of ${interrupted}`;
        assert.deepEqual(await ended(registry), expected, at);
        assert.deepEqual(await take(registry, [key], engine).then(outcomes), [`${key.slice(17)} unchanged`]);
      }
      assert.ok(steps > 5, `${interrupted} asks the store more often than ${steps} times`);
    }
    engine.dispose();
  }

  it('is under the class of the label and no other', async () => {
    const start = memoryStore();
    await colours(start);
    const key = await put(openRegistry(start), 'red', 5);

    await atEveryMoment(start, key, 'blue', ['blue', 'green', 'green', 'red', 'red']);
  });

  it('stays under its class when a dataset has it under another class too', async () => {
    const start = memoryStore();
    const registry = await colours(start);
    const content = (await start.get('datasets/colours/red/0.png'))?.bytes ?? assert.fail();
    const other = { className: 'green', file: '5.png', bytes: content };
    const { key } = await registry.addToDataSet('colours', other);

    await atEveryMoment(start, key, 'red', ['green', 'green', 'red', 'red']);
  });
});

describe('a promotion', () => {
  it('keeps what was ingested, and nothing twice that the new version was trained on', async () => {
    const registry = await inMemory();
    await take(registry, [await put(registry, 'red', 5), await put(registry, 'blue', 0)]);
    // Version 2 was trained when blue/0 and red/5 were there, and red/6 was not.
    const train = [
      ...(await pictures(CLASSES, 0, 2)),
      ...(await pictures(['red'], 5, 6)),
      ...(await pictures(['blue'], 0, 1)),
    ];
    await publishColours(registry, OTHER, train, [], { follows: 'colours' });
    await take(registry, [await put(registry, 'red', 6)]);
    await registry.store.delete('datasets/colours/green/1.png');
    await take(registry, ['datasets/colours/green/1.png']);

    assert.equal((await promoted(registry, 2)).promoted, true);

    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
    assert.deepEqual((await sync(registry, 'content')).changes, []);
    await take(registry, [await put(registry, 'red', 6, '7.png'), await put(registry, 'red', 8)]);
    assert.equal((await galleryNow(registry)).length, 7);
  });

  it('in the middle of an ingestion: the version that is in production then has the image, once', async () => {
    const store = memoryStore();
    const registry = await colours(store);
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2), [], { follows: 'colours' });
    const key = await put(registry, 'blue', 0);
    let moved = false;
    const meanwhile = openRegistry(
      intercepted(store, async (operation, at) => {
        if (moved || operation !== 'put' || !/models\/colours\/gallery\//.test(at)) return;
        moved = true;
        await promoted(registry, 2);
      }),
    );

    const [told] = await take(meanwhile, [key]);

    assert.equal(told?.outcome, 'added');
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
    assert.equal((await registry.changes('colours')).length, 1);
  });

  it('of a version that was trained on an older state: a comparison finds the rest', async () => {
    const registry = await inMemory();
    await put(registry, 'red', 5);
    await put(registry, 'red', 8, '1.png');
    await registry.store.delete('datasets/colours/green/1.png');

    const names = await sync(registry, 'names');
    assert.deepEqual(outcomes(names.changes), ['green/1.png removed', 'red/5.png added']);
    const content = await sync(registry, 'content');
    assert.deepEqual(outcomes(content.changes), ['red/1.png replaced']);

    assert.deepEqual([content.pictures, content.version], [4, 1]);
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });

  it('changes nothing about a dataset that is empty: its galleries stay', async () => {
    const registry = await inMemory();
    for await (const { key } of registry.store.list('datasets/')) await registry.store.delete(key);

    assert.deepEqual((await sync(registry, 'content')).changes, []);
    assert.equal((await galleryNow(registry)).length, 4);
  });
});

describe('ingesting', () => {
  it('one image takes 8 requests to the store once the gallery is in memory, and reads the image once', async () => {
    const store = memoryStore();
    const registry = await colours(store);
    const engine = embedding(registry);
    const asked: string[] = [];
    const counted = openRegistry(
      intercepted(store, async (operation, key) => void asked.push(`${operation} ${key}`)),
    );
    const galleries = new KnownGalleries(counted);
    const options = { embed: engine.embed, galleries };
    await take(counted, [await put(registry, 'red', 5)], options);
    const key = await put(registry, 'red', 6);
    asked.length = 0;

    const done = await take(counted, [key], options);

    engine.dispose();
    assert.deepEqual(outcomes(done), ['red/6.png added']);
    assert.ok(asked.length <= 8, asked.join('\n'));
    assert.equal(asked.filter((one) => one === `get ${key}`).length, 1);
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });

  it('300 images by many processes at once leaves all of them in the gallery', async () => {
    const registry = await inMemory();
    const engine = embedding(registry);
    const processes = Array.from({ length: 10 }, () => new KnownGalleries(registry));
    const keys: string[] = [];
    for (let n = 0; n < 300; n++) {
      // One byte more makes it another file.
      const content = Buffer.concat([await (await picture('blue', 1)).read(), Buffer.from(String(n))]);
      const image = { className: 'blue', file: `${n}.png`, bytes: new Uint8Array(content) };
      keys.push((await registry.addToDataSet('colours', image)).key);
    }

    await Promise.all(
      keys.map(async (key, n) =>
        take(registry, [key], {
          embed: engine.embed,
          galleries: processes[n % processes.length] as KnownGalleries,
        }),
      ),
    );

    engine.dispose();
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });

  it('refuses an image that is too large without reading it, and takes it out of the gallery', async () => {
    const store = memoryStore();
    const registry = await colours(store);
    await store.put('datasets/colours/red/1.png', new Uint8Array(64 * 1024 * 1024 + 1));

    const [told] = await take(registry, ['datasets/colours/red/1.png']);

    assert.equal(told?.outcome, 'rejected');
    assert.match(told?.reason ?? '', /67108865/);
    assert.equal((await galleryNow(registry)).length, 3);
  });
});
