import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRegistry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { SAMPLES, Workplace } from '../cli/support.ts';
import type { Running } from '../cli/support.ts';
import { json } from './support.ts';

interface Training {
  id: string;
  state: string;
  attempts: number;
  progress: { progress: { phase: string; epoch?: number } } | null;
  result: { model: string; version: number; promoted: boolean } | null;
  error: { code: string; message: string } | null;
}

const CLASSES = ['hat', 'pants', 'shoes'];
const FAST = { size: 64, scales: [1], dimensions: 16, classes: 3, pictures: 2, stepsPerEpoch: 2, epochs: 1 };
/** Ends only when it is told to. */
const LONG = { ...FAST, epochs: 100_000, patience: 100_000, caution: 0, enough: 0 };

describe('trainings over HTTP', () => {
  let workplace: Workplace;
  let server: Running & { url: string };

  async function serve(): Promise<Running & { url: string }> {
    const running = workplace.start([
      'serve',
      '--port',
      '0',
      '--registry',
      workplace.in('registry'),
      '--json',
    ]);
    running.child.stdout?.setEncoding('utf8');
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      running.child.stdout?.on('data', (data: string) => {
        text += data;
        if (text.includes('}')) resolve((JSON.parse(text) as { url: string }).url);
      });
      running.ended.then(({ stderr }) => reject(new Error(stderr)), reject);
    });
    return { ...running, url };
  }

  before(async () => {
    workplace = new Workplace();
    const registry = openRegistry(fsStore(workplace.in('registry')));
    for (const className of CLASSES) {
      const folder = path.join(SAMPLES, 'train', className);
      for (const file of readdirSync(folder).toSorted().slice(0, 4)) {
        const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
        await registry.addToDataSet('clothes', { className, file, bytes });
      }
    }
    server = await serve();
  });
  after(async () => {
    server.child.kill('SIGTERM');
    await server.ended;
    workplace.close();
  });

  const start = (key: string | null, body: unknown): Promise<Response> =>
    fetch(`${server.url}/v1/trainings`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(key !== null && { 'idempotency-key': key }) },
    });
  const shown = async (id: string): Promise<Training> =>
    json(await fetch(`${server.url}/v1/trainings/${id}`));
  const cancel = (id: string): Promise<Response> =>
    fetch(`${server.url}/v1/trainings/${id}`, { method: 'DELETE' });
  async function until(id: string, holds: (training: Training) => boolean): Promise<Training> {
    for (;;) {
      const training = await shown(id);
      if (holds(training)) return training;
      if (training.state === 'failed' || training.id === undefined) throw new Error(JSON.stringify(training));
      await sleep(200);
    }
  }

  /** The states that a stream of events tells, to its end. */
  async function follow(id: string, last?: string): Promise<{ id: string; training: Training }[]> {
    const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': last };
    const response = await fetch(`${server.url}/v1/trainings/${id}/events`, { headers });
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const text = await response.text();
    return [...text.matchAll(/^event: training\ndata: (.*)\nid: (.*)$/gm)].map(
      ([, data = '', event = '']) => {
        return { id: event, training: JSON.parse(data) as Training };
      },
    );
  }

  it('are made once for a key, followed to their end, and put what they made to work', async () => {
    const wanted = { dataset: 'clothes', options: FAST, promote: true };

    const first = await start('one', wanted);
    const again = await start('one', wanted);
    const other = await start('one', { ...wanted, seed: 1 });
    const training = await json<Training>(first);
    const location = first.headers.get('location') ?? '';

    assert.deepEqual([first.status, again.status, other.status], [202, 202, 409]);
    assert.equal(location, `/v1/trainings/${training.id}`);
    assert.equal((await json<Training>(again)).id, training.id);
    const states = await follow(training.id);
    const end = states.at(-1);
    assert.equal(end?.training.state, 'succeeded', JSON.stringify(end?.training.error));
    assert.deepEqual(end.training.result && [end.training.result.version, end.training.result.promoted], [
      1,
      true,
    ]);
    assert.ok(states.some(({ training: { state } }) => state === 'running'));
    assert.deepEqual(await follow(training.id, end.id), []);
    const folder = path.join(SAMPLES, 'train', 'hat');
    const body = new Uint8Array(readFileSync(path.join(folder, readdirSync(folder).toSorted()[0] ?? '')));
    const answer = await fetch(`${server.url}/v1/classify`, { method: 'POST', body });
    const { results } = await json<{ results: { class: string }[] }>(answer);
    assert.equal(results[0]?.class, 'hat');
    // Only processes that train load it.
    if (process.platform === 'linux') {
      assert.doesNotMatch(readFileSync(`/proc/${server.child.pid}/maps`, 'utf8'), /libtensorflow/);
    }
  });

  it('are refused before they begin when they could not end well', async () => {
    const fine = { dataset: 'clothes', options: FAST };
    const statuses = [];
    for (const wanted of [
      { ...fine, recipe: 'none' },
      { ...fine, options: { epoch: 1 } },
      { ...fine, options: { epochs: -1 } },
      { ...fine, dataset: '/etc' },
      { ...fine, dataset: 's3://bucket/x' },
      { ...fine, model: 'A B' },
      { ...fine, unknown: 1 },
      { ...fine, holdOut: 2 },
    ]) {
      statuses.push((await start('refused', wanted)).status);
    }
    assert.deepEqual(statuses, [400, 400, 400, 404, 404, 400, 400, 400]);
    assert.equal((await start('refused', { ...fine, dataset: 'none' })).status, 404);
    const withoutKey = await json<{ detail: string }>(await start(null, fine));
    assert.match(withoutKey.detail, /a key made up by you.* is missing at idempotency-key/);
    const withoutDataSet = await json<{ detail: string }>(await start('refused', { recipe: 'fast' }));
    assert.equal(withoutDataSet.detail, 'The body: dataset is missing (expected: string)');
    assert.equal((await fetch(`${server.url}/v1/trainings/01ARZ3NDEKTSV4RRFFQ69G5FAV`)).status, 404);
    assert.equal((await fetch(`${server.url}/v1/trainings/..%2f..%2fx/events`)).status, 400);
  });

  it('wait for each other, survive the end of the server and a kill of their process, and are cancelled', async () => {
    const long = (await json<Training>(await start('long', { dataset: 'clothes', options: LONG }))).id;
    const waiting = (
      await json<Training>(await start('waiting', { dataset: 'clothes', options: LONG, seed: 1 }))
    ).id;
    const sofar = await until(long, ({ progress }) => (progress?.progress.epoch ?? 0) > 2);
    assert.equal((await shown(waiting)).state, 'queued');
    assert.equal((await cancel(waiting)).status, 202);
    assert.equal((await shown(waiting)).state, 'cancelled');

    server.child.kill('SIGTERM');
    assert.equal((await server.ended).status, 0);
    server = await serve();
    const resumed = await until(
      long,
      ({ attempts, progress, state }) =>
        attempts === 2 &&
        state === 'running' &&
        (progress?.progress.epoch ?? 0) > (sofar.progress?.progress.epoch ?? 0),
    );
    assert.equal(resumed.attempts, 2);

    server.child.kill('SIGKILL');
    await server.ended;
    const { store } = openRegistry(fsStore(workplace.in('registry')));
    const job = JSON.parse(
      Buffer.from((await store.get(`jobs/${long}/job.json`))?.bytes ?? []).toString(),
    ) as { owner: { pid: number } | null };
    if (job.owner !== null) {
      try {
        process.kill(job.owner.pid, 'SIGKILL');
      } catch {
        // It ended with its server.
      }
    }
    server = await serve();
    await until(long, ({ attempts, state }) => attempts >= 3 && state === 'running');

    assert.equal((await cancel(long)).status, 202);
    const end = (await follow(long)).at(-1);
    assert.equal(end?.training.state, 'cancelled');
    assert.equal((await cancel(long)).status, 409);
    const listed = await json<{ trainings: Training[] }>(await fetch(`${server.url}/v1/trainings?limit=2`));
    assert.deepEqual(
      listed.trainings.map(({ id }) => id),
      [waiting, long],
    );
  });
});
