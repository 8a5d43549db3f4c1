import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { writeSegment } from '../../../core/gallery/arrow.ts';
import { removeKeys, renameClass } from '../../../core/gallery/operations.ts';
import type { Segment } from '../../../core/gallery/segments.ts';
import type { Gallery } from '../../../core/gallery/gallery.ts';
import { correct } from '../../../core/ingest/correct.ts';
import { followersOf } from '../../../core/ingest/followers.ts';
import { syncGallery } from '../../../core/ingest/sync.ts';
import type { Synced } from '../../../core/ingest/sync.ts';
import { promote } from '../../../core/promotion/promote.ts';
import type { Promotion } from '../../../core/promotion/promote.ts';
import { createJob } from '../../../core/jobs/job.ts';
import { openGallery } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { s3Store } from '../../../core/storage/s3.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';
import { OTHER, pictures, publishColours } from '../registry/colours.ts';
import { author, bytes, intercepted, withFolder } from '../registry/support.ts';
import { dataSetNow, embedding, galleryNow, put, take, trainedOn } from './following.ts';

const CLASSES = ['red', 'green'];

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
  const request = { model: 'colours', alias: 'production', version, ...author, gate: null } as const;
  return promote(
    registry,
    { ...request, additions: 'carry' },
    { report: () => undefined, signal: undefined },
  );
}

async function change(registry: Registry, make: (gallery: Gallery) => Segment): Promise<void> {
  const { gallery, version } = await openGallery(registry, await registry.resolve('colours'));
  const segment = make(gallery);
  await registry.addSegment('colours', version, segment.id, await writeSegment(segment));
}

const outcomes = (done: readonly { key: string; outcome: string }[]): string[] =>
  done.map(({ key, outcome }) => `${key.slice('datasets/colours/'.length)} ${outcome}`);

/** What is true of every store. */
function follows(
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
      assert.equal((await registry.segments('colours', 1)).length, 2);
    });
  });
}

describe('a gallery follows the data set that its version was trained on', () => {
  follows('in memory', async (work) => work(memoryStore()));
  follows('in a folder', async (work) => withFolder(async (folder) => work(fsStore(folder))));

  describe('in S3', { skip: whyNoGo() }, () => {
    let server: S3Server;
    before(async () => {
      server = await startS3();
    });
    after(() => server.stop());
    follows('in S3', async (work) => work(s3Store(`s3://${await server.bucket()}/base`, server.options)));
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
    assert.equal((await registry.segments('colours', 1)).length, 1);
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
        if (operation === 'put' && /versions\/1\/gallery\//.test(at)) throw new Error('no room');
      }),
    );
    await assert.rejects(take(failing, [key]), /no room/);
    let left = 2;
    const changing = openRegistry(
      intercepted(store, async (operation, at) => {
        if (operation === 'put' && /versions\/1\/gallery\//.test(at) && left-- > 0)
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
        if (operation !== 'put' || !/versions\/1\/gallery\//.test(at)) return;
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
    const job = await createJob(registry.store, {
      dataSet: '/home/somebody/colours',
      testSet: null,
      holdOut: 0,
      model: 'colours',
      recipe: 'metric',
      options: {},
      seed: 1,
      promote: true,
    });
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2), [], job.id);
    await registry.move('colours', 'production', 2, author);

    assert.deepEqual(await take(registry, [await put(registry, 'red', 5)]), [], 'a folder of that name');
    await assert.rejects(sync(registry, 'names'), /was trained on a folder/);
  });
});

describe('a model that is damaged', () => {
  it('keeps no other one from what comes to its data set', async () => {
    const registry = await inMemory();
    const { files, ...manifest } = await registry.manifest('colours', 1);
    const { recipe, seed, dataSet, libraries, engine, metrics, createdBy } = manifest;
    const copied: Record<string, Uint8Array> = {};
    for (const name of Object.keys(files)) copied[name] = await registry.file('colours', 1, name);
    const draft = { recipe, seed, dataSet, libraries, engine, metrics, createdBy, files: copied };
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

describe('what people changed in a gallery', () => {
  it('stays, whatever is compared with the data set', async () => {
    const registry = await inMemory();
    const key = await put(registry, 'red', 5);
    await take(registry, [key]);
    await change(registry, (gallery) => removeKeys(gallery, ['red/5.png', 'red/0.png']));
    await change(registry, (gallery) => renameClass(gallery, 'green', 'olive'));

    await take(registry, [key, await put(registry, 'green', 5)]);
    assert.deepEqual((await sync(registry, 'content')).changes, []);

    assert.deepEqual(
      (await galleryNow(registry)).map((row) => row.split(' ')[0]),
      ['olive/0.png', 'olive/1.png', 'olive/5.png', 'red/1.png'],
    );
  });
});

describe('people who say different classes of one picture at the same moment', () => {
  it('leave it under the one that was said later, in every version', async () => {
    const registry = await inMemory();
    const engine = embedding(registry);
    const resolved = await registry.resolve('colours');
    let waiting = 0;
    let go = (): void => undefined;
    const both = new Promise<void>((resolve) => (go = resolve));
    const says = async (className: string): Promise<void> => {
      const content = (await registry.store.get('datasets/colours/red/0.png'))?.bytes ?? assert.fail();
      await correct(registry, resolved, className, [{ bytes: content, file: 'x.png' }], {
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
    const said = (await registry.changes('colours', 1)).flatMap(({ entries }) =>
      entries.flatMap((entry) => (entry.op === 'add' ? [entry.class] : [])),
    );
    const classes = async (): Promise<string[]> =>
      (await galleryNow(registry)).map((row) => row.split('/')[0] ?? '');
    assert.deepEqual(said.toSorted(), ['cap', 'hat']);
    assert.deepEqual(await classes(), ['green', 'green', 'red', said.at(-1) ?? ''].toSorted());
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2));
    assert.equal((await promoted(registry, 2)).promoted, true);
    assert.deepEqual(await classes(), ['green', 'green', 'red', said.at(-1) ?? ''].toSorted());
  });
});

describe('a picture that is corrected while it is taken up', () => {
  const ended = async (registry: Registry): Promise<string[]> =>
    (await galleryNow(registry)).map((row) => row.split('/')[0] ?? '');

  /** The same at every step that either of the two does: there the other one comes in between, and is done. */
  async function atEveryMoment(start: ObjectStore, key: string, said: string, expected: string[]) {
    const engine = embedding(openRegistry(start));
    const content = (await start.get(key))?.bytes ?? assert.fail();
    const resolved = await openRegistry(start).resolve('colours');
    const doing = {
      ingest: async (on: Registry, { embed } = engine) => take(on, [key], { embed }),
      correct: async (on: Registry, { embed } = engine) =>
        correct(on, resolved, said, [{ bytes: content, file: '5.png' }], { embed }),
    };
    for (const [interrupted, other] of [
      ['ingest', 'correct'],
      ['correct', 'ingest'],
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

        const at = `${other} at step ${moment} of ${interrupted}`;
        assert.deepEqual(await ended(registry), expected, at);
        assert.deepEqual(await take(registry, [key], engine).then(outcomes), [`${key.slice(17)} unchanged`]);
      }
      assert.ok(steps > 5, `${interrupted} asks the store more often than ${steps} times`);
    }
    engine.dispose();
  }

  it('is under the class that was said and no other', async () => {
    const start = memoryStore();
    await colours(start);
    const key = await put(openRegistry(start), 'red', 5);

    await atEveryMoment(start, key, 'blue', ['blue', 'green', 'green', 'red', 'red']);
  });

  it('stays where it is when that was said, and a data set has it under another class, too', async () => {
    const start = memoryStore();
    const registry = await colours(start);
    const content = (await start.get('datasets/colours/red/0.png'))?.bytes ?? assert.fail();
    const other = { className: 'green', file: '5.png', bytes: content };
    const { key } = await registry.addToDataSet('colours', other);

    await atEveryMoment(start, key, 'red', ['green', 'green', 'red', 'red']);
  });
});

describe('a promotion', () => {
  it('takes what was ingested along, and nothing twice that the new version was trained on', async () => {
    const registry = await inMemory();
    await take(registry, [await put(registry, 'red', 5), await put(registry, 'blue', 0)]);
    // Version 2 was trained when blue/0 and red/5 were there, and red/6 was not.
    await publishColours(registry, OTHER, [
      ...(await pictures(CLASSES, 0, 2)),
      ...(await pictures(['red'], 5, 6)),
      ...(await pictures(['blue'], 0, 1)),
    ]);
    await take(registry, [await put(registry, 'red', 6)]);
    await registry.store.delete('datasets/colours/green/1.png');
    await take(registry, ['datasets/colours/green/1.png']);

    assert.equal((await promoted(registry, 2)).promoted, true);

    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
    assert.deepEqual((await sync(registry, 'content')).changes, []);
    await take(registry, [await put(registry, 'red', 6, '7.png'), await put(registry, 'red', 8)]);
    assert.equal((await galleryNow(registry)).length, 7);
  });

  it('is not held up by a picture that is gone from the data set, and not from the gallery yet', async () => {
    const registry = await inMemory();
    const keys = [await put(registry, 'red', 5), await put(registry, 'red', 6)];
    await take(registry, keys);
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2));
    await put(registry, 'red', 7, '6.png');
    await registry.store.delete(keys[0] ?? '');

    assert.equal((await promoted(registry, 2)).promoted, true);
    await take(registry, keys);

    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });

  it('in the middle of an ingestion: the version that is live then has the picture, once', async () => {
    const store = memoryStore();
    const registry = await colours(store);
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2));
    const key = await put(registry, 'blue', 0);
    let moved = false;
    const meanwhile = openRegistry(
      intercepted(store, async (operation, at) => {
        if (moved || operation !== 'put' || !/versions\/1\/gallery\//.test(at)) return;
        moved = true;
        await promoted(registry, 2);
      }),
    );

    const [told] = await take(meanwhile, [key]);

    assert.deepEqual([told?.version, told?.outcome], [2, 'added']);
    assert.deepEqual(await registry.segments('colours', 2), await registry.segments('colours', 1));
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
    await promoted(registry, 2);
    assert.deepEqual(await galleryNow(registry), await dataSetNow(registry));
  });

  it('of a version that was trained on an older state: the comparison finds the rest', async () => {
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
});
