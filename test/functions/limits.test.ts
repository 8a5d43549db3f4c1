import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import { createJob } from '../../core/jobs/job.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import { registryTokens } from '../../core/registry/registry-tokens.ts';
import { createToken } from '../../core/registry/tokens.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { createApp } from '../../functions/app.ts';
import { busy } from '../../functions/errors.ts';
import { withoutPlace } from '../../functions/http/places.ts';
import { Rate, addressOf } from '../../functions/http/rate.ts';
import { makeDeps } from '../../functions/deps.ts';
import type { Trainings } from '../../functions/trainings/trainings.ts';
import { picture } from '../core/registry/colours.ts';
import { intercepted } from '../core/registry/support.ts';
import { colours, inProcess, json, listening } from './support.ts';

describe('how often somebody may ask', () => {
  const takes = (rate: Rate, who: string, times: number): number => {
    let taken = 0;
    for (let i = 0; i < times; i++) {
      try {
        rate.take(who);
        taken++;
      } catch {
        // Refused.
      }
    }
    return taken;
  };

  it('is so many times a minute, for each by itself, and those may come at once', () => {
    let now = 0;
    const rate = new Rate(30, () => now);

    assert.deepEqual([takes(rate, 'a', 40), takes(rate, 'b', 40)], [30, 30]);
    now += 10_000;
    assert.deepEqual([takes(rate, 'a', 40), takes(rate, 'c', 40)], [5, 30]);
    now += 3_600_000;
    assert.equal(takes(rate, 'a', 40), 30);
  });

  it('is refused with the time after which it is taken again', () => {
    let now = 0;
    const rate = new Rate(6, () => now);
    takes(rate, 'a', 6);
    now += 3000;

    assert.throws(() => rate.take('a'), { status: 429, headers: { 'Retry-After': '7' } });

    now += 7000;
    rate.take('a');
  });

  it('is remembered for so many that memory stays bounded', () => {
    const rate = new Rate(1, () => 0);
    for (let i = 0; i < 10_001; i++) rate.take(`address ${i}`);

    assert.deepEqual([takes(rate, 'address 10000', 1), takes(rate, 'address 0', 1)], [0, 1]);
  });
});

describe('who asks', () => {
  it('is the address of the connection, and behind proxies what the first of ours was asked from', () => {
    const cases: readonly (readonly [string, string | undefined, number, string])[] = [
      ['192.0.2.1', undefined, 0, '192.0.2.1'],
      ['192.0.2.1', '198.51.100.7', 0, '192.0.2.1'],
      ['192.0.2.1', '203.0.113.9, 198.51.100.7', 1, '198.51.100.7'],
      ['192.0.2.1', '203.0.113.9, 198.51.100.7', 2, '203.0.113.9'],
      ['192.0.2.1', '198.51.100.7', 2, '192.0.2.1'],
      ['192.0.2.1', 'unknown', 1, '192.0.2.1'],
      ['::ffff:192.0.2.1', undefined, 0, '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', undefined, 0, '2001:db8:1:2::/64'],
      ['2001:db8:1:2::', undefined, 0, '2001:db8:1:2::/64'],
      ['2001:db8::1', undefined, 0, '2001:db8:0:0::/64'],
      ['fe80::1%eth0', undefined, 0, 'fe80:0:0:0::/64'],
    ];
    for (const [remote, forwarded, proxies, expected] of cases) {
      assert.equal(addressOf(remote, forwarded, proxies), expected, `${remote}, ${forwarded}`);
    }
  });
});

describe('an answer', () => {
  it('names what lies in the registry by its key, and not where that is', () => {
    const bucket = withoutPlace('s3://a.bucket/some/prefix');
    assert.equal(bucket('"s3://a.bucket/some/prefix/datasets/x" is gone'), '"datasets/x" is gone');
    assert.equal(bucket('none in s3://a.bucket/some/prefix.'), 'none in the registry.');
    const folder = withoutPlace('/srv/the "data"/');
    assert.equal(folder('A file is at "/srv/the \\"data\\"/a/b".'), 'A file is at "a/b".');
    assert.equal(withoutPlace('/data')('The key "x/data/y" is long.'), 'The key "x/data/y" is long.');
    assert.equal(withoutPlace('/')('/a/b'), '/a/b');
    const relative = withoutPlace('./.kindred');
    assert.equal(relative('none in "./.kindred", no "./.kindred/a/b"'), 'none in the registry, no "a/b"');
    assert.equal(withoutPlace('models')('no "models" in "models"'), 'no "models" in the registry');
  });
});

describe('a server with a rate', () => {
  it('counts for each address where no token is needed, and lets probes pass', async () => {
    const served = await listening({ rate: 3, proxies: 1 }, await colours());
    const from = (address: string): RequestInit => ({ headers: { 'x-forwarded-for': address } });
    const statuses: number[] = [];
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2']) {
      statuses.push((await served.fetch('/v1/models', from(address))).status);
    }

    const refused = await served.fetch('/v1/models', from('192.0.2.1'));

    assert.deepEqual(statuses, [200, 200, 200, 429, 200]);
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    assert.equal((await json<{ type: string }>(refused)).type, 'urn:kindred:problem:rate-limited');
    assert.equal((await served.fetch('/healthz', from('192.0.2.1'))).status, 200);
    await served.close();
  });

  it('counts for each token, and those that guess at tokens by their address', async () => {
    const registry = await colours();
    const make = async (name: string): Promise<string> =>
      (await createToken(registryTokens(registry.store), { name, scopes: ['read'], createdBy: 'a test' }))
        .token;
    const [one, other] = [await make('one'), await make('other')];
    const served = await listening({ rate: 2, tokens: true }, registry);
    const statuses = async (token: string, times: number): Promise<number[]> => {
      const found: number[] = [];
      for (let i = 0; i < times; i++) {
        const headers = { authorization: `Bearer ${token}` };
        found.push((await served.fetch('/v1/models', { headers })).status);
      }
      return found;
    };

    assert.deepEqual(await statuses('guess', 3), [401, 401, 429]);
    assert.deepEqual(await statuses(one, 3), [200, 200, 429]);
    assert.deepEqual(await statuses(other, 1), [200]);
    await served.close();
  });
});

describe('who follows trainings', () => {
  const job = {
    dataSet: 'some',
    testSet: null,
    holdOut: 0,
    model: 'some',
    recipe: 'metric',
    options: {},
    seed: 1,
    promote: false,
  };

  it('takes a place only while the body is read', async () => {
    const served = await inProcess();
    const at = `/v1/trainings/${(await createJob(served.registry.store, job)).id}/events`;
    for (let i = 0; i < 70; i++) assert.equal((await served.fetch(at, { method: 'HEAD' })).status, 200);

    const followed = await served.fetch(at);

    assert.equal(followed.status, 200);
    await followed.body?.cancel();
    await served.close();
  });

  it('is told nothing of what goes wrong with the store; the log is', async () => {
    let broken = false;
    const store = intercepted(memoryStore(), async (operation, key) => {
      if (broken && operation === 'get' && key.startsWith('jobs/')) throw new Error('secret place');
    });
    const served = await listening({}, await colours(openRegistry(store)));
    const followed = await served.fetch(`/v1/trainings/${(await createJob(store, job)).id}/events`);
    broken = true;

    const text = await followed.text();

    assert.match(text, /"state":"queued"/);
    assert.doesNotMatch(text, /secret/);
    assert.ok(served.log.some(({ level, error }) => level === 'warning' && /secret/.test(String(error))));
    await served.close();
  });
});

describe('a training that is asked for again', () => {
  it('is the same one, also when there is room for none', async () => {
    let room = 1;
    const trainings: Trainings = {
      checkImport: () => Promise.resolve(),
      room: () => (room-- > 0 ? Promise.resolve() : Promise.reject(busy('full'))),
      offer: () => Promise.resolve(),
      look: (jobs) => Promise.resolve(jobs.map((each) => ({ job: each, interrupted: false, waiting: [] }))),
      cancelled: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const registry = await colours();
    const bytes = await (await picture('red', 1)).read();
    await registry.addToDataSet('some', { className: 'red', file: '1.png', bytes });
    const deps = makeDeps({ registry, log: () => undefined, trainings: () => trainings });
    const app = createApp(deps);
    const ask = async (key: string): Promise<Response> =>
      app.request('/v1/trainings', {
        method: 'POST',
        body: '{"dataset":"some"}',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
      });

    const [first, again, other] = [await ask('a'), await ask('a'), await ask('b')];

    assert.deepEqual([first.status, again.status, other.status], [202, 202, 503]);
    assert.equal((await json(again))['id'], (await json(first))['id']);
    await deps.versions.close();
  });
});

describe('a data set that is shown', () => {
  it('is listed no further once whoever asked has gone away', async () => {
    const store = memoryStore();
    const gone = new AbortController();
    let listed = 0;
    async function* list(): ReturnType<typeof store.list> {
      for (; listed < 10_000; listed++) {
        if (listed === 5) gone.abort();
        yield { key: `datasets/large/hat/${listed}.png`, size: 1 };
      }
    }
    const deps = makeDeps({ registry: openRegistry({ ...store, list }), log: () => undefined });

    await createApp(deps).request('/v1/datasets/large', { signal: gone.signal });

    assert.equal(listed, 5);
    await deps.versions.close();
  });
});

describe('a server with a time limit', () => {
  it('answers 408 to a body that does not come, and gives its memory back', async () => {
    const served = await listening({ limits: { seconds: 0.3 } }, await colours());

    const [status, type] = await new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
      const headers = { 'content-length': '1000', 'content-type': 'image/png' };
      const request = httpRequest(`${served.url}/v1/classify`, { method: 'POST', headers }, (response) => {
        resolve([response.statusCode, response.headers['content-type']]);
        response.resume();
      });
      request.on('error', reject);
      request.write('a beginning');
    });

    assert.deepEqual([status, type], [408, 'application/problem+json']);
    const metrics = await (await served.fetch('/metrics')).text();
    assert.match(metrics, /^kindred_body_bytes 0$/m);
    await served.close();
  });

  it('answers 503 when it cannot answer in time, and drops what waits', async () => {
    let held = false;
    let go = (): void => undefined;
    const opened = new Promise<void>((resolve) => (go = resolve));
    const store = intercepted(memoryStore(), async (operation, key) => {
      if (held && operation === 'get' && key.startsWith('datasets/')) await opened;
    });
    const registry = await colours(openRegistry(store));
    const bytes = await (await picture('red', 1)).read();
    await registry.addToDataSet('some', { className: 'red', file: '1.png', bytes });
    const served = await listening({ limits: { seconds: 2 }, atOnce: 1 }, registry);
    const ask = (): Promise<Response> =>
      served.fetch('/v1/classify', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: 'datasets/some/red/1.png' }),
      });
    assert.equal((await ask()).status, 200);
    held = true;

    const answers = await Promise.all([ask(), ask()]);

    for (const answer of answers) {
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      assert.equal((await json<{ type: string }>(answer)).type, 'urn:kindred:problem:timeout');
    }
    const metrics = await (await served.fetch('/metrics')).text();
    assert.match(metrics, /^kindred_queue_waiting 0$/m);
    go();
    assert.equal((await ask()).status, 200);
    await served.close();
  });
});
