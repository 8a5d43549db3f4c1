import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KnownGalleries } from '../../core/ingest/known-galleries.ts';
import type { Ingested } from '../../core/ingest/reconcile.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { s3Store } from '../../core/storage/s3.ts';
import { dataSetNow, galleryNow, put as putThere, trainedOn } from '../core/ingest/following.ts';
import { OTHER, picture, pictures, publishColours } from '../core/registry/colours.ts';
import { author, bytes, intercepted, withFolder } from '../core/registry/support.ts';
import { whyNoGo } from '../support/go-programs.ts';
import { startS3 } from '../support/s3-server.ts';
import { Reconciler } from '../../functions/ingestion/reconciler.ts';
import { WarmVersions } from '../../functions/versions/warm-versions.ts';
import { json, listening } from './support.ts';
import type { Served } from './support.ts';

const QUICK = { versions: { lookMs: 100 }, followMs: 200 };
/** Far more than it takes, also on a machine that is busy with other things. */
const PATIENCE_MS = 180_000;
const CLASSES = ['red', 'green'];
const at = (className: string, file: string): string => `/v1/datasets/colours/images/${className}/${file}`;
const png = async (className: string, n: number): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await picture(className, n)).read());

/** Waits until it is so; says what it was last when that takes too long. */
async function eventually(registry: Registry): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const [gallery, dataSet] = [await galleryNow(registry), await dataSetNow(registry)];
    if (gallery.join() === dataSet.join()) return;
    if (Date.now() > until) assert.deepEqual(gallery, dataSet);
    await sleep(50);
  }
}

describe('a server', () => {
  let served: Served & { url: string };
  const registry = openRegistry(memoryStore());
  before(async () => {
    await trainedOn(registry, CLASSES, 2);
    served = await listening(QUICK, registry);
  });
  after(() => served.close());

  const put = async (className: string, n: number, file = `${n}.png`) =>
    served.fetch(at(className, file), {
      method: 'PUT',
      body: await png(className, n),
      headers: { 'content-type': 'image/png' },
    });

  it('has the galleries of its models follow their data sets, and answers by that in seconds', async () => {
    const stranger = await (await classify('blue', 3)).json();

    const told = await json(await put('blue', 0));
    await put('red', 9, '1.png');
    const gone = await json(await served.fetch(at('green', '1.png'), { method: 'DELETE' }));
    await eventually(registry);

    assert.notEqual((stranger as Answer).results[0]?.class, 'blue');
    assert.deepEqual([told['models'], gone['models']], [['colours'], ['colours']]);
    assert.equal(((await (await classify('blue', 3)).json()) as Answer).results[0]?.class, 'blue');
    const metrics = await (await served.fetch('/metrics')).text();
    assert.match(metrics, /kindred_ingested_total\{outcome="replaced"\} 1/);
    assert.match(metrics, /kindred_ingest_waiting 0/);
    assert.ok(served.log.some(({ event, outcome }) => event === 'ingest' && outcome === 'added'));
  });

  it('does the same for addresses that it gave out, and says so', async () => {
    const body = await png('red', 12);
    const asked = await served.fetch('/v1/datasets/colours/uploads', {
      method: 'POST',
      body: JSON.stringify({
        files: [{ class: 'red', file: 'up.png', type: 'image/png', bytes: body.length }],
      }),
      headers: { 'content-type': 'application/json' },
    });
    const { uploads } = await json<{ uploads: { url: string; headers: Record<string, string> }[] }>(asked);
    const [{ url, headers } = assert.fail('no address')] = uploads;

    const done = await json(await fetch(url, { method: 'PUT', body, headers }));
    await eventually(registry);

    assert.deepEqual(done['models'], ['colours']);
  });

  it('says that no gallery follows a data set that nobody was trained on', async () => {
    const body = await png('red', 1);
    const headers = { 'content-type': 'image/png' };

    const told = await json(
      await served.fetch('/v1/datasets/others/images/red/1.png', { method: 'PUT', body, headers }),
    );

    assert.deepEqual(told['models'], []);
  });

  it('finds what came past it, was replaced and went', async () => {
    await putThere(registry, 'violet', 1);
    await putThere(registry, 'red', 21, '1.png');
    await registry.store.delete('datasets/colours/blue/0.png');
    await eventually(registry);

    await registry.store.put('datasets/colours/red/1.png', (await png('red', 22)).slice(0, 60));
    while (!served.log.some(({ outcome }) => outcome === 'rejected')) await sleep(50);
    // A copy that was under way, and is there by now.
    await putThere(registry, 'red', 22, '1.png');
    await eventually(registry);
  });

  it('compares with the data set when an alias moves to a version that was trained on an older state', async () => {
    await publishColours(registry, OTHER, await pictures(CLASSES, 0, 2), [], { follows: 'colours' });
    await putThere(registry, 'red', 30, '0.png');
    await registry.move('colours', 'production', 2, author);

    await eventually(registry);
  });

  interface Answer {
    results: { class: string }[];
  }

  async function classify(className: string, n: number): Promise<Response> {
    const headers = { 'content-type': 'image/png' };
    return served.fetch('/v1/models/colours/classify', {
      method: 'POST',
      body: await png(className, n),
      headers,
    });
  }
});

describe('300 images that are put through a server at once', () => {
  it('are all in the gallery', async () => {
    const registry = openRegistry(memoryStore());
    await trainedOn(registry, CLASSES, 2);
    const served = await listening(QUICK, registry);
    try {
      const content = await png('blue', 1);
      const answers = await Promise.all(
        Array.from({ length: 300 }, async (_, n) => {
          // A few bytes more make it another file.
          const body = new Uint8Array([...content, ...bytes(String(n))]);
          const headers = { 'content-type': 'image/png' };
          return served.fetch(at('blue', `${n}.png`), { method: 'PUT', body, headers });
        }),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      await eventually(registry);
    } finally {
      await served.close();
    }
  });
});

describe('one image that is put through a server', () => {
  it('is ingested with 8 requests to the store once the version is warm', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await trainedOn(registry, CLASSES, 2);
    const asked: string[] = [];
    const counted = openRegistry(
      intercepted(store, async (operation, key) => void asked.push(`${operation} ${key}`)),
    );
    const versions = new WarmVersions(counted, { lookMs: 60_000 });
    let done: readonly Ingested[] = [];
    const reconciler = new Reconciler({
      registry: counted,
      versions,
      galleries: new KnownGalleries(counted),
      log: () => undefined,
      trouble: (error) => assert.fail(String(error)),
      onIngested: (now) => (done = now),
      onFailed: () => undefined,
      lookMs: 500,
    });
    for (const n of [5, 6]) {
      // The models that follow are looked up again.
      await sleep(600);
      asked.length = 0;
      done = [];
      // Not counted: what puts the image there is the same without a gallery that follows.
      await reconciler.changing(`datasets/colours/red/${n}.png`, () => putThere(registry, 'red', n));
      while (done.length === 0) await sleep(5);
    }
    await reconciler.close();
    await versions.close();

    assert.deepEqual(
      done.map(({ outcome }) => outcome),
      ['added'],
    );
    assert.ok(asked.length <= 8, asked.join('\n'));
  });
});

describe('a server that starts', () => {
  it('ingests what the one before it did not, and what came without any', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await trainedOn(registry, CLASSES, 2);
      // Replaced: a listing alone does not show it to a server that has not seen the dataset before.
      await putThere(registry, 'red', 7, '1.png');
      // A damaged model keeps no other one from it.
      await registry.store.put('models/another/aliases/production.json', bytes('{"version":'));
      await putThere(registry, 'blue', 1);
      await registry.store.delete('datasets/colours/green/0.png');
      const first = await listening(QUICK, registry);
      try {
        await eventually(registry);
      } finally {
        await first.close();
      }
      await putThere(registry, 'red', 8, '1.png');
      const next = await listening(QUICK, registry);
      try {
        await eventually(registry);
      } finally {
        await next.close();
      }
    });
  });

  it('reads only what has changed since the last listing of a server before it', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await trainedOn(registry, CLASSES, 2);
    const first = await listening(QUICK, registry);
    while ((await store.get('models/colours/followed.json')) === null) await sleep(20);
    await first.close();
    await putThere(registry, 'red', 8, '1.png');
    const read = new Set<string>();
    const watched = intercepted(store, async (operation, key) => {
      if (operation === 'get' && key.startsWith('datasets/')) read.add(key);
    });
    const next = await listening(QUICK, openRegistry(watched));
    try {
      await eventually(registry);
    } finally {
      await next.close();
    }

    assert.deepEqual([...read], ['datasets/colours/red/1.png']);
  });

  it('compares everything when what is stored of the last listing is damaged', async () => {
    const registry = openRegistry(memoryStore());
    await trainedOn(registry, CLASSES, 2);
    await registry.store.put('models/colours/followed.json', bytes('{"version":'));
    await putThere(registry, 'red', 8, '1.png');
    const served = await listening(QUICK, registry);
    try {
      await eventually(registry);
    } finally {
      await served.close();
    }
  });

  it('leaves a gallery alone whose data set is gone altogether', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await trainedOn(registry, CLASSES, 2);
      for await (const { key } of registry.store.list('datasets/')) await registry.store.delete(key);
      const served = await listening(QUICK, registry);
      await sleep(1000);
      await served.close();

      assert.equal((await galleryNow(registry)).length, 4);
    });
  });

  it('tries again what fails, and goes on beside what cannot be used', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await trainedOn(registry, CLASSES, 2);
      let failures = 2;
      const flaky = intercepted(registry.store, async (operation, key) => {
        if (operation === 'put' && /\/gallery\//.test(key) && failures-- > 0) throw new Error('no room');
      });
      const served = await listening(QUICK, openRegistry(flaky));
      try {
        for (const n of [5, 6]) {
          await served.fetch(at('red', `${n}.png`), {
            method: 'PUT',
            body: await png('red', n),
            headers: { 'content-type': 'image/png' },
          });
        }
        await registry.store.put('datasets/colours/red/bad.png', bytes('no picture'));
        const until = Date.now() + PATIENCE_MS;
        while ((await galleryNow(registry)).length < 6 && Date.now() < until) await sleep(50);

        assert.equal((await galleryNow(registry)).length, 6);
        assert.ok(served.log.some(({ error }) => String(error).includes('no room')));
      } finally {
        await served.close();
      }
    });
  });
});

describe('a server over S3', { skip: whyNoGo() }, () => {
  it('takes up what was put to an address that leads past it', async () => {
    const s3 = await startS3();
    const registry = openRegistry(s3Store(`s3://${await s3.bucket()}/base`, s3.options));
    await trainedOn(registry, CLASSES, 2);
    const served = await listening(QUICK, registry);
    try {
      const body = await png('blue', 1);
      const asked = await served.fetch('/v1/datasets/colours/uploads', {
        method: 'POST',
        body: JSON.stringify({
          files: [{ class: 'blue', file: 'ü 1.png', type: 'image/png', bytes: body.length }],
        }),
        headers: { 'content-type': 'application/json' },
      });
      const { uploads } = await json<{ uploads: { url: string; headers: Record<string, string> }[] }>(asked);
      const [{ url, headers } = assert.fail('no address')] = uploads;
      assert.equal((await fetch(url, { method: 'PUT', body, headers })).status, 200);
      await eventually(registry);

      await putThere(registry, 'blue', 7);
      await putThere(registry, 'red', 8, '0.png');
      await eventually(registry);
    } finally {
      await served.close();
      await s3.stop();
    }
  });
});
