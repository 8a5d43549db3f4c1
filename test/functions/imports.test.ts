/** What imports and trainings are answered with over HTTP, whatever runs them; test/functions/trainings shows that they run. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { requestCancel } from '../../core/jobs/cancel.ts';
import { createJob, updateJob } from '../../core/jobs/job.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { createApp } from '../../functions/app.ts';
import { makeDeps } from '../../functions/deps.ts';
import { BatchTrainings } from '../../functions/trainings/batch/trainings.ts';
import type { Trainings } from '../../functions/trainings/trainings.ts';
import { picture } from '../core/registry/colours.ts';
import { colours, json } from './support.ts';

interface Answer {
  readonly id: string;
  readonly state: string;
  readonly parts: number;
  readonly dataset: string;
  readonly detail: string;
  readonly error: { readonly message: string } | null;
}

describe('an import over HTTP', () => {
  let registry: Registry;
  const offered: string[] = [];
  const taking: Trainings = {
    checkImport: async () => undefined,
    room: async () => undefined,
    offer: async (id) => void offered.push(id),
    look: async (jobs) => jobs.map((job) => ({ job, interrupted: false, waiting: [] })),
    cancelled: async () => undefined,
    close: async () => undefined,
  };
  const closing: (() => Promise<void>)[] = [];
  function app(trainings: Trainings | null): ReturnType<typeof createApp> {
    const deps = makeDeps({ registry, log: () => undefined, trainings: trainings && (() => trainings) });
    closing.push(() => deps.versions.close());
    return createApp(deps);
  }
  const start = async (trainings: Trainings | null, key: string, more: object = {}): Promise<Response> =>
    app(trainings).request('/v1/imports', {
      method: 'POST',
      body: JSON.stringify({ dataset: 'some', model: 'colours', parts: 10_000, ...more }),
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
    });
  const ask = async (path: string, method = 'GET'): Promise<Response> =>
    app(taking).request(path, { method });

  before(async () => {
    registry = await colours();
    for (const n of [1, 2, 3]) {
      const bytes = await (await picture('red', n)).read();
      await registry.addToDataSet('some', { className: 'red', file: `${n}.png`, bytes });
    }
  });
  after(async () => {
    for (const close of closing) await close();
  });

  it('has no more parts than pictures, and is the same for its key when the data set is gone', async () => {
    const first = await json<Answer>(await start(taking, 'a'));
    await registry.store.put('datasets/other/x/1.png', new Uint8Array(1));
    const other = await json<Answer>(await start(taking, 'b', { dataset: 'other' }));
    await registry.store.delete('datasets/other/x/1.png');
    const again = await start(taking, 'b', { dataset: 'other' });
    const fresh = await start(taking, 'c', { dataset: 'other' });

    assert.deepEqual([first.parts, other.parts], [3, 1]);
    assert.deepEqual([again.status, (await json<Answer>(again)).id, fresh.status], [202, other.id, 404]);
  });

  it('is told how to be made where nothing here could make it', async () => {
    const shared = { store: registry.store, trouble: () => undefined, smallPictures: 0 };
    const target = { queue: 'q', definition: 'd' };
    const client = { destroy: () => undefined } as never;
    const withoutQueue = new BatchTrainings({ ...shared, client, gpu: target, cpu: null });
    const answers = await Promise.all([start(null, 'd'), start(withoutQueue, 'd')]);

    for (const answer of answers) {
      assert.equal(answer.status, 501);
      assert.match((await json<Answer>(answer)).detail, /command line|kindred gallery import/);
    }
  });

  it('that was cancelled is offered again when it is to be gone on with, once it is', async () => {
    const { id } = await json<Answer>(await start(taking, 'e'));
    const sofar = offered.length;
    await requestCancel(registry.store, id);
    const same = await json<Answer>(await start(taking, 'e'));
    const again = offered.length;
    const resumed = await ask(`/v1/imports/${id}/resume`, 'POST');
    const shown = await json<Answer>(await ask(`/v1/imports/${id}`));
    const training = await ask(`/v1/trainings/${id}/resume`, 'POST');

    assert.deepEqual([same.id, same.state, again - sofar], [id, 'cancelled', 0]);
    assert.deepEqual([resumed.status, shown.state, offered.slice(again)], [202, 'queued', [id]]);
    assert.equal(training.status, 404);
  });

  it('and a training tell nothing of where things are on the machines that made or ran them', async () => {
    const asked = {
      dataSet: '/home/somebody/my photos',
      testSet: null,
      holdOut: 0,
      model: 'm',
      recipe: 'metric',
    };
    const { id } = await createJob(registry.store, { ...asked, options: {}, seed: 0, promote: false });
    // As earlier Kindreds kept it.
    const message = "unexpected Error: ENOENT, open '/opt/a/b'\n    at f (/opt/kindred/x.ts:1:2)";
    const error = { code: 'unexpected', message };
    await updateJob(registry.store, id, (job) => ({ ...job, state: 'failed', error }));
    const shown = await json<Answer>(await ask(`/v1/trainings/${id}`));

    assert.equal(shown.dataset, '…/my photos');
    assert.equal(shown.error?.message, "unexpected Error: ENOENT, open '…/b'");
  });
});
