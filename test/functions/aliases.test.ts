import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Picture } from '../../core/images/dataset.ts';
import { createJob } from '../../core/jobs/job.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { trainedOn } from '../core/ingest/following.ts';
import { COLOUR_BLIND, OTHER, add, picture, pictures, publishColours } from '../core/registry/colours.ts';
import { intercepted } from '../core/registry/support.ts';
import { json, listening } from './support.ts';
import type { Served } from './support.ts';

const REQUEST = {
  holdOut: 0,
  model: 'colours',
  recipe: 'metric',
  options: {},
  seed: 1,
  promote: true,
};

async function startedOn(registry: Registry, overrides = {}): Promise<Served & { url: string }> {
  await trainedOn(registry, ['red', 'green'], 2);
  return listening({ versions: { lookMs: 500 }, ...overrides }, registry);
}

async function addBlue(registry: Registry): Promise<Picture> {
  const blue = await picture('blue', 1);
  await add(registry, 1, [blue]);
  return blue;
}

describe('moving an alias over HTTP', () => {
  const PATH = '/v1/models/colours/aliases/production';

  async function move(served: Served, body: object, condition?: Record<string, string>): Promise<Response> {
    const etag = (await served.fetch(PATH)).headers.get('etag') ?? '';
    return served.fetch(PATH, {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(condition ?? { 'if-match': etag }) },
    });
  }

  it('refuses a version that is worse, unless it is forced, and goes back', async () => {
    const registry = openRegistry(memoryStore());
    const served = await startedOn(registry);
    try {
      const judgedOn = await pictures(['red', 'green'], 40, 42);
      for (const { className, key, ...each } of judgedOn) {
        const file = key.slice(className.length + 1);
        await registry.addToDataSet('judging', { className, file, bytes: await each.read() });
      }
      const job = await createJob(registry.store, { ...REQUEST, dataSet: 'colours', testSet: 'judging' });
      await publishColours(registry, COLOUR_BLIND, await pictures(['red', 'green'], 0, 2), judgedOn, {
        job: job.id,
      });

      const missing = await move(served, { version: 9 });
      const both = await move(served, { version: 2, rollback: true });
      const stale = await move(served, { version: 2 }, { 'if-match': '"7-7"' });
      const worse = await move(served, { version: 2 });
      const { detail } = await json<{ detail: string }>(worse.clone());
      const moved = await move(served, { version: 2, force: true, why: 'to see' });
      const back = await move(served, { rollback: true });

      assert.deepEqual(
        [missing, both, stale, worse, moved, back].map(({ status }) => status),
        [404, 400, 412, 409, 200, 200],
      );
      assert.match(detail, /stays where it is; version 2: worse: .*"force": true/);
      assert.match((await json<{ notes: string[] }>(moved)).notes.join(), /Compared: forced though worse/);
      assert.equal((await json(back))['version'], 1);
      const history = (await registry.alias('colours', 'production'))?.history ?? [];
      assert.deepEqual(
        history.map(({ version, rollback }) => [version, rollback ?? false]),
        [
          [1, false],
          [2, false],
          [1, true],
        ],
      );
    } finally {
      await served.close();
    }
  });

  it('refuses a version that would answer without an image, and says which', async () => {
    const registry = openRegistry(memoryStore());
    const served = await startedOn(registry);
    try {
      const blue = await addBlue(registry);
      await registry.store.delete(`blobs/${blue.sha256}`);
      await publishColours(registry, OTHER, await pictures(['red', 'green'], 0, 2));

      const refused = await move(served, { version: 2 });
      assert.equal(refused.status, 409);
      assert.match((await json<{ detail: string }>(refused)).detail, /"blue\/1\.png".*"force": true/);
      assert.equal((await registry.resolve('colours')).version, 1);

      const forced = await move(served, { version: 2, force: true });
      assert.equal(forced.status, 200);
      assert.match((await json<{ notes: string[] }>(forced)).notes.join(), /"blue\/1\.png"/);
    } finally {
      await served.close();
    }
  });

  it('answers 202 when it takes long, and reports the progress', async () => {
    const store = memoryStore();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let isHeld = false;
    const registry = openRegistry(
      intercepted(store, async (operation, key) => {
        if (isHeld && operation === 'put' && key.includes('/embeddings/')) await held;
      }),
    );
    const served = await startedOn(registry, { moveMs: 300 });
    try {
      await addBlue(registry);
      await publishColours(registry, OTHER, await pictures(['red', 'green'], 0, 2));
      isHeld = true;

      const begun = await move(served, { version: 2 });
      const at = begun.headers.get('location') ?? '';
      const state = async () => json<{ state: string; notes: string[] }>(await served.fetch(at));
      assert.deepEqual([begun.status, (await state()).state], [202, 'running']);
      release();
      while ((await state()).state === 'running') await sleep(20);

      assert.equal((await state()).state, 'moved');
      assert.match((await state()).notes.join(), /\b1 image\b/);
      assert.equal((await registry.resolve('colours')).version, 2);
      assert.equal((await served.fetch(`${PATH}/moves/nothing`)).status, 404);
    } finally {
      release();
      await served.close();
    }
  });

  it('gets further with each request where nothing runs between them', async () => {
    let embedded = 0;
    let isSlow = false;
    const store = memoryStore();
    const registry = openRegistry(
      intercepted(store, async (operation, key) => {
        if (!isSlow || operation !== 'put' || !key.includes('/embeddings/')) return;
        embedded++;
        await sleep(1500);
      }),
    );
    const served = await startedOn(registry, { background: false, moveMs: 1000 });
    try {
      await addBlue(registry);
      const judgedOn = await pictures(['red', 'green'], 40, 42);
      for (const { className, key, ...each } of judgedOn) {
        const file = key.slice(className.length + 1);
        await registry.addToDataSet('judging', { className, file, bytes: await each.read() });
      }
      const job = await createJob(registry.store, { ...REQUEST, dataSet: 'colours', testSet: 'judging' });
      const train = await pictures(['red', 'green'], 0, 2);
      await publishColours(registry, OTHER, train, judgedOn, { job: job.id });
      isSlow = true;

      const first = await move(served, { version: 2 });
      let last = await move(served, { version: 2 });
      for (let more = 20; last.status === 503 && more > 0; more--) last = await move(served, { version: 2 });

      assert.deepEqual([first.status, first.headers.get('retry-after'), last.status], [503, '1', 200]);
      assert.equal(embedded, 1, 'nothing is embedded twice');
    } finally {
      await served.close();
    }
  });
});
