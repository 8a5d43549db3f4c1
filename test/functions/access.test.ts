import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createJob } from '../../core/jobs/job.ts';
import { registryTokens } from '../../core/registry/registry-tokens.ts';
import type { TokenStore } from '../../core/registry/token-store.ts';
import { createToken, revokeToken, tokenHolds } from '../../core/registry/tokens.ts';
import type { Scope, StoredToken } from '../../core/registry/tokens.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { StorageError } from '../../core/storage/storage-error.ts';
import { TokenCache } from '../../functions/http/token-cache.ts';
import { listen, ownHosts } from '../../functions/server.ts';
import { picture } from '../core/registry/colours.ts';
import { colours, json, listening } from './support.ts';
import type { Served } from './support.ts';

const made = { name: 'a test', createdBy: 'a test' };

describe('tokens', () => {
  it('expire', async () => {
    const { token, stored } = await createToken(registryTokens(memoryStore()), {
      ...made,
      scopes: ['read'],
      expiresAt: new Date(5000),
    });

    assert.deepEqual([tokenHolds(token, stored, 4999), tokenHolds(token, stored, 5000)], [true, false]);
  });

  it('are found by a server as soon as they are made, and no more when they are revoked, also beside a damaged one', async () => {
    const objects = memoryStore();
    const store = registryTokens(objects);
    const troubles: unknown[] = [];
    let go = (): void => undefined;
    let held: Promise<void> | null = new Promise((resolve) => (go = resolve));
    const list: TokenStore['list'] = async (onDamaged) => {
      const listed = await store.list(onDamaged);
      await held;
      return listed;
    };
    const { token: guess } = await createToken(registryTokens(memoryStore()), { ...made, scopes: ['read'] });
    const tokens = new TokenCache({ ...store, list }, (error) => troubles.push(error));
    const guessed = tokens.find(guess);
    const { token, stored } = await createToken(store, { ...made, scopes: ['read'] });

    const found = tokens.find(token);
    go();
    held = null;

    assert.deepEqual([await guessed, await found], [null, stored]);
    await objects.put('tokens/01ARZ3NDEKTSV4RRFFQ69G5FAV.json', new TextEncoder().encode('{"half'));
    await revokeToken(store, stored.id);
    const other = new TokenCache(store, (error) => troubles.push(error));
    assert.deepEqual([await other.any(), troubles.length], [false, 1]);
    await createToken(store, { ...made, scopes: ['read'] });
    assert.equal(await new TokenCache(store, () => undefined).any(), true);
  });

  it('that were known hold for ten minutes when their store does not answer, which is asked no more often then', async () => {
    const store = registryTokens(memoryStore());
    const { token, stored } = await createToken(store, { ...made, scopes: ['read'] });
    const { token: guess } = await createToken(registryTokens(memoryStore()), { ...made, scopes: ['read'] });
    let [now, looks, isGone] = [0, 0, false];
    const list: TokenStore['list'] = async (onDamaged) => {
      looks++;
      if (isGone) throw new StorageError('There is no answer.');
      return store.list(onDamaged);
    };
    const open = (): TokenCache =>
      new TokenCache(
        { ...store, list },
        () => undefined,
        () => now,
      );
    const tokens = open();
    const at = async (seconds: number, asked: string): Promise<readonly [StoredToken | null, number]> => {
      now = seconds * 1000;
      return [await tokens.find(asked), looks];
    };

    assert.deepEqual(await at(0, token), [stored, 1]);
    assert.deepEqual(await at(5, token), [stored, 1]);
    assert.deepEqual(await at(5.1, guess), [null, 2]);
    isGone = true;
    assert.deepEqual(await at(10.2, token), [stored, 3]);
    assert.deepEqual(await at(12, guess), [null, 3]);
    assert.deepEqual(await at(16, guess), [null, 4]);
    assert.deepEqual(await at(605, token), [stored, 5]);
    await assert.rejects(at(606, token), { name: 'StorageError' });
    await assert.rejects(open().any(), { name: 'StorageError' });
    isGone = false;
    assert.deepEqual(await at(611, token), [stored, 7]);
  });
});

describe('a server with tokens', () => {
  let served: Served;
  let tokens: Record<Scope, string>;
  before(async () => {
    const registry = await colours();
    const of = async (scope: Scope): Promise<string> =>
      (await createToken(registryTokens(registry.store), { ...made, name: scope, scopes: [scope] })).token;
    tokens = {
      classify: await of('classify'),
      read: await of('read'),
      upload: await of('upload'),
      train: await of('train'),
      admin: await of('admin'),
    };
    served = await listening({ tokens: true }, registry);
  });
  after(() => served.close());

  const ask = async (path: string, token: string | null, init: RequestInit = {}): Promise<number> => {
    const headers = {
      ...(init.headers as object),
      ...(token !== null && { authorization: `Bearer ${token}` }),
    };
    const response = await served.fetch(path, { ...init, headers });
    await response.arrayBuffer();
    return response.status;
  };

  it('lets each scope do what it is for, however the request is written', async () => {
    const body = new Uint8Array(await (await picture('red', 1)).read());
    const image = '/v1/datasets/new/images/a/b.png';
    const typed = { 'content-type': 'application/json' };
    const wanted = (more: object): RequestInit => ({
      method: 'POST',
      body: JSON.stringify({ dataset: 'none', promote: true, ...more }),
      headers: { ...typed, 'idempotency-key': 'a' },
    });
    const forced = await createJob(served.registry.store, {
      dataSet: 'none',
      testSet: null,
      holdOut: 0,
      model: 'none',
      recipe: 'metric',
      options: {},
      seed: 0,
      promote: true,
      force: true,
    });
    // Each with the status when it is let in.
    const table: readonly (readonly [Scope | null, number, string, RequestInit])[] = [
      [null, 403, '/v1/uploads/x.y', { method: 'PUT', body }],
      ['classify', 200, '/v1/classify', { method: 'POST', body }],
      ['read', 200, '/v1/models', {}],
      ['read', 200, '/v1/%6dodels', {}],
      ['read', 200, '/v1/recipes', {}],
      ['read', 200, '/v1/models', { method: 'HEAD' }],
      ['upload', 200, image, { method: 'PUT', body }],
      ['upload', 200, image, { method: 'DELETE' }],
      ['train', 404, '/v1/trainings', wanted({ force: false })],
      ['admin', 404, '/v1/trainings', wanted({ force: true })],
      ['admin', 404, '/v1/trainings', wanted({ tolerance: 1 })],
      // What an admin asked for is for an admin to go on with.
      ['admin', 501, `/v1/trainings/${forced.id}/resume`, { method: 'POST' }],
      ['admin', 409, '/v1/models/colours', { method: 'DELETE' }],
      ['admin', 409, '/v1/models/colours/aliases/production', { method: 'DELETE' }],
      ['admin', 404, '/v1/datasets/absent', { method: 'DELETE' }],
      ['admin', 404, '/v1/anything/else', {}],
      ['admin', 405, '/v1/models', { method: 'PATCH' }],
    ];
    for (const [needed, status, path, init] of table) {
      const what = `${init.method ?? 'GET'} ${path}`;
      assert.equal(await ask(path, null, init), needed === null ? status : 401, what);
      for (const [scope, token] of Object.entries(tokens)) {
        if (scope === needed || needed === null || scope === 'admin') continue;
        assert.equal(await ask(path, token, init), 403, `${what} with ${scope}`);
      }
      if (needed !== null)
        assert.equal(await ask(path, tokens[needed], init), status, `${what} with ${needed}`);
    }
    assert.equal(await ask('/v1/models', tokens.admin), 200);
  });

  it('knows only whole, right tokens, and says what is missing', async () => {
    const none = await served.fetch('/v1/models');
    const wrong = `${tokens.read.slice(0, -1)}${tokens.read.endsWith('A') ? 'B' : 'A'}`;

    assert.equal(none.headers.get('www-authenticate'), 'Bearer realm="kindred"');
    assert.equal((await json<{ type: string }>(none)).type, 'urn:kindred:problem:unauthorized');
    for (const token of [
      wrong,
      tokens.read.slice(0, -1),
      `${tokens.read}x`,
      'x',
      tokens.read.toLowerCase(),
    ]) {
      assert.equal(await ask('/v1/models', token), 401);
    }
    assert.equal((await served.fetch(`/v1/models?access_token=${tokens.read}`)).status, 401);
    assert.equal(
      (await served.fetch('/v1/models', { headers: { authorization: `Basic ${tokens.read}` } })).status,
      401,
    );
  });

  it('takes new tokens at once, and revoked ones not much longer', async () => {
    const { token, stored } = await createToken(registryTokens(served.registry.store), {
      ...made,
      scopes: ['read'],
    });
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(await ask('/v1/models', token), 200);

    await revokeToken(registryTokens(served.registry.store), stored.id);

    while ((await ask('/v1/models', token)) !== 401) await new Promise((resolve) => setTimeout(resolve, 200));
  });

  it('writes down who moved an alias', async () => {
    const headers = { 'content-type': 'application/json', 'if-none-match': '*' };
    const status = await ask('/v1/models/colours/aliases/mine', tokens.admin, {
      method: 'PUT',
      body: '{"version":1}',
      headers,
    });

    assert.equal(status, 200);
    assert.equal((await served.registry.alias('colours', 'mine'))?.history[0]?.by, 'token admin');
  });
});

describe('a server on this machine', () => {
  it('has names with its port, but for the usual one', () => {
    assert.ok(ownHosts('127.0.0.1', 8787).includes('localhost:8787'));
    assert.deepEqual(new Set(ownHosts('::1', 80)), new Set(['127.0.0.1', 'localhost', '[::1]']));
  });
});

describe('a server that others can reach', () => {
  it('does not start without a token', async () => {
    const registry = await colours();
    const options = { registry, log: () => undefined, port: 0 };

    await assert.rejects(listen({ ...options, host: '0.0.0.0' }), {
      name: 'InvalidInputError',
      message: /kindred tokens create/,
    });
    await assert.rejects(listen({ ...options, host: '0.0.0.0', tokens: false }), {
      name: 'InvalidInputError',
    });
    await assert.rejects(listen({ ...options, tokens: true }), { name: 'InvalidInputError' });
  });
});
