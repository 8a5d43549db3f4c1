/** What holds for trainings over HTTP wherever they run; each thing that runs them runs this suite. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JOB_STATES } from '../../../core/jobs/job.ts';
import { openGallery } from '../../../core/registry/open-version.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { createApp } from '../../../functions/app.ts';
import type { Deps } from '../../../functions/deps.ts';
import { makeDeps } from '../../../functions/deps.ts';
import type { ServeOptions } from '../../../functions/deps.ts';
import { OBSTACLES } from '../../../functions/trainings/trainings.ts';
import type { Obstacle } from '../../../functions/trainings/trainings.ts';
import { SAMPLES } from '../../cli/support.ts';
import { json } from '../support.ts';

/** Where trainings run, made for one run of the suite. */
export interface Place {
  readonly registry: Registry;
  readonly trainings: NonNullable<ServeOptions['trainings']>;
  /** How many jobs were made where they run. */
  readonly jobs: () => Promise<number>;
  /** Where the steps of a job are run one by one: which were begun, once none of them runs any more. */
  readonly steps?: (job: string) => Promise<string[]>;
  close(): Promise<void>;
}

export interface Training {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly waiting: readonly Obstacle[];
  readonly progress: { readonly progress: { readonly epoch?: number } } | null;
  readonly result: { readonly version: number; readonly promoted: boolean } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const FAST = { size: 64, scales: [1], dimensions: 16, classes: 3, pictures: 2, stepsPerEpoch: 2, epochs: 0 };
/** Ends only when it is told to. */
const LONG = { ...FAST, epochs: 100_000, patience: 100_000, caution: 0, enough: 0 };

/** Pictures of three classes as the data set "clothes". */
export async function addClothes(registry: Registry): Promise<void> {
  for (const className of ['hat', 'pants', 'shoes']) {
    const folder = path.join(SAMPLES, 'train', className);
    for (const file of readdirSync(folder).toSorted().slice(0, 4)) {
      const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
      await registry.addToDataSet('clothes', { className, file, bytes });
    }
  }
}

export interface Import {
  readonly id: string;
  readonly state: string;
  readonly version: number;
  readonly attempts: number;
  readonly pictures: { readonly done: number; readonly total: number } | null;
  readonly result: { readonly added: number; readonly left: { readonly count: number } } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Three pictures of a class that was not trained, and one that cannot be decoded, as the data set "later". */
async function addSkirts(registry: Registry): Promise<void> {
  const folder = path.join(SAMPLES, 'train', 'skirt');
  for (const file of readdirSync(folder).toSorted().slice(0, 3)) {
    const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
    await registry.addToDataSet('later', { className: 'skirt', file, bytes });
  }
  await registry.store.put('datasets/later/skirt/zz.jpg', new TextEncoder().encode('no picture'));
}

/** The interface in this process, as a client uses it. */
export class Client {
  readonly deps: Deps;
  readonly #app: ReturnType<typeof createApp>;

  constructor({ registry, trainings }: Pick<Place, 'registry' | 'trainings'>) {
    this.deps = makeDeps({ registry, trainings, log: () => undefined });
    this.#app = createApp(this.deps);
  }

  async start(key: string, body: object): Promise<Response> {
    return this.#app.request('/v1/trainings', {
      method: 'POST',
      body: JSON.stringify({ dataset: 'clothes', ...body }),
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
    });
  }

  async show(id: string): Promise<Training> {
    return json(await this.#app.request(`/v1/trainings/${id}`));
  }

  async list(): Promise<Training[]> {
    const { trainings } = await json<{ trainings: Training[] }>(await this.#app.request('/v1/trainings'));
    return trainings;
  }

  async cancel(id: string): Promise<Response> {
    return this.#app.request(`/v1/trainings/${id}`, { method: 'DELETE' });
  }

  /** Looks until something holds; gives all that was seen. */
  async until(id: string, holds: (training: Training) => boolean): Promise<Training[]> {
    const seen: Training[] = [];
    for (;;) {
      const training = await this.show(id);
      seen.push(training);
      if (holds(training)) return seen;
      assert.ok(training.error === null, JSON.stringify(training));
      await sleep(100);
    }
  }

  async startImport(key: string, body: object): Promise<Response> {
    return this.#app.request('/v1/imports', {
      method: 'POST',
      body: JSON.stringify({ dataset: 'later', model: 'clothes', ...body }),
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
    });
  }

  async untilImport(id: string, holds: (one: Import) => boolean): Promise<Import> {
    for (;;) {
      const one = await json<Import>(await this.ask('GET', `/v1/imports/${id}`));
      if (holds(one)) return one;
      assert.ok(one.error === null && one.state !== 'succeeded', JSON.stringify(one));
      await sleep(100);
    }
  }

  async ask(method: string, address: string): Promise<Response> {
    return this.#app.request(address, { method });
  }

  async close(): Promise<void> {
    await this.deps.trainings?.close();
    await this.deps.versions.close();
  }
}

/** @param skip why the suite cannot be run here */
export function trainingsContract(
  name: string,
  setUp: () => Promise<Place>,
  skip: string | false = false,
): void {
  describe(`trainings over HTTP that run ${name}`, { skip }, () => {
    let place: Place;
    let client: Client;
    before(async () => {
      place = await setUp();
      await addClothes(place.registry);
      client = new Client(place);
    });
    after(async () => {
      await client?.close();
      await place?.close();
    });

    it('are refused before anything is begun when they could not end well', async () => {
      const types = [];
      for (const wrong of [{ recipe: 'none' }, { options: { epoch: 1 } }, { options: { epochs: -1 } }]) {
        const response = await client.start('refused', wrong);
        types.push([response.status, (await json<{ type: string }>(response)).type]);
      }

      const refused = [400, 'urn:kindred:problem:invalid-input'];
      assert.deepEqual(types, [refused, refused, refused]);
      assert.equal(await place.jobs(), 0);
    });

    it('are one training for one key, which goes through the same states to a version that answers', async () => {
      const sofar = await place.jobs();
      const responses = await Promise.all(
        [0, 1, 2].map(async () => client.start('one', { options: FAST, promote: true })),
      );
      const ids = await Promise.all(responses.map(async (response) => (await json<Training>(response)).id));
      const other = await client.start('one', { options: FAST, seed: 1 });
      const [id = ''] = ids;
      const seen = await client.until(id, ({ state }) => state === 'succeeded');
      const again = await json<Training>(await client.start('one', { options: FAST, promote: true }));

      assert.deepEqual(
        responses.map(({ status }) => status),
        [202, 202, 202],
      );
      assert.equal(new Set(ids).size, 1);
      assert.equal(other.status, 409);
      const states = seen.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1]);
      assert.deepEqual(
        states.filter((state) => state !== 'queued'),
        ['running', 'succeeded'],
      );
      assert.deepEqual(seen.at(-1)?.result && [seen.at(-1)?.result?.version, seen.at(-1)?.result?.promoted], [
        1,
        true,
      ]);
      assert.deepEqual([again.id, again.state], [id, 'succeeded']);
      assert.equal((await place.jobs()) - sofar, 1);
      assert.deepEqual(await place.registry.versions('clothes'), [1]);
    });

    it('stand beside imports, which embed a data set in parts and add all of it at once, also when cancelled and gone on with', async () => {
      const { registry } = place;
      await addSkirts(registry);
      const classes = async (): Promise<ReadonlySet<string>> =>
        new Set((await openGallery(registry, await registry.resolve('clothes'))).gallery.classes);
      const begun = await client.startImport('skirts', { parts: 2 });
      const { id, version } = await json<Import>(begun);
      // Before it has begun, and while it is under way.
      const early = await client.ask('DELETE', `/v1/imports/${id}`);
      const cancelled = await client.untilImport(id, ({ state }) => state === 'cancelled');
      const same = await json<Import>(await client.startImport('skirts', { parts: 2 }));
      const resumed = await client.ask('POST', `/v1/imports/${id}/resume`);
      await client.untilImport(id, ({ pictures }) => pictures !== null);
      const midway = await client.ask('DELETE', `/v1/imports/${id}`);
      await client.untilImport(id, ({ state }) => state === 'cancelled');
      const steps = await place.steps?.(id);
      const untouched = await classes();
      const changes = await registry.changes('clothes');
      const resumes = await Promise.all(
        [1, 2].map(async () => client.ask('POST', `/v1/imports/${id}/resume`)),
      );
      const last = await client.untilImport(id, ({ state }) => state === 'succeeded');
      const again = await json<Import>(await client.startImport('skirts', { parts: 2 }));
      const other = await client.startImport('skirts', { parts: 3 });
      const { imports } = await json<{ imports: Import[] }>(await client.ask('GET', '/v1/imports'));
      const missing = await client.ask('GET', `/v1/trainings/${id}`);
      const late = await client.ask('DELETE', `/v1/imports/${id}`);
      const done = await client.ask('POST', `/v1/imports/${id}/resume`);

      assert.deepEqual([begun.status, begun.headers.get('location')], [202, `/v1/imports/${id}`]);
      assert.deepEqual([version, again.id, other.status], [1, id, 409]);
      assert.deepEqual([early.status, cancelled.pictures], [202, null]);
      assert.deepEqual([same.id, same.state], [id, 'cancelled']);
      assert.deepEqual([resumed.status, resumed.headers.get('location')], [202, `/v1/imports/${id}`]);
      assert.deepEqual([midway.status, changes], [202, []]);
      assert.ok(!steps?.includes('publish'), steps?.join());
      assert.deepEqual(
        resumes.map(({ status }) => status),
        [202, 202],
      );
      assert.deepEqual([last.result?.added, last.result?.left.count, last.pictures], [3, 1, null]);
      assert.deepEqual([untouched.has('skirt'), (await classes()).has('skirt')], [false, true]);
      assert.equal((await registry.changes('clothes')).length, 1);
      assert.deepEqual(
        imports.map((one) => one.id),
        [id],
      );
      assert.ok((await client.list()).every((one) => one.id !== id));
      assert.deepEqual([missing.status, late.status, done.status], [404, 409, 409]);
    });

    it('say why they wait, are cancelled while they wait and while they run, and are gone on with', async () => {
      const first = (await json<Training>(await client.start('first', { options: LONG }))).id;
      await client.until(first, ({ progress }) => (progress?.progress.epoch ?? 0) > 0);
      const second = (await json<Training>(await client.start('second', { options: LONG, seed: 1 }))).id;
      const waited = await client.until(second, ({ waiting }) => waiting.length > 0);
      const whileWaiting = await client.cancel(second);
      const whileRunning = await client.cancel(first);
      await client.until(first, ({ state }) => state === 'cancelled');
      await client.until(second, ({ state }) => state === 'cancelled');

      for (const { code, message } of waited.at(-1)?.waiting ?? []) {
        assert.ok(Object.hasOwn(OBSTACLES, code), code);
        assert.match(message, /\w{3}/);
      }
      assert.deepEqual(
        waited.filter(({ state }) => state !== 'queued'),
        [],
      );
      assert.deepEqual([whileWaiting.status, whileRunning.status], [202, 202]);
      assert.deepEqual([(await client.show(first)).attempts, (await client.show(second)).attempts], [1, 0]);
      assert.deepEqual(
        [(await client.cancel(first)).status, (await client.cancel(second)).status],
        [409, 409],
      );
      const resumed = await client.ask('POST', `/v1/trainings/${second}/resume`);
      assert.deepEqual([resumed.status, (await json<Training>(resumed)).state], [202, 'queued']);
      await client.cancel(second);
      await client.until(second, ({ state }) => state === 'cancelled');
      const listed = await client.list();
      assert.deepEqual(
        listed.slice(0, 2).map(({ id, state }) => [id, state]),
        [
          [second, 'cancelled'],
          [first, 'cancelled'],
        ],
      );
      for (const { state } of listed) assert.ok((JOB_STATES as readonly string[]).includes(state));
    });
  });
}
