import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { exportSPKI } from 'jose';
import { registryTokens } from '../../core/registry/registry-tokens.ts';
import { createToken } from '../../core/registry/tokens.ts';
import { JwtIssuer } from '../../functions/http/jwt.ts';
import { listen } from '../../functions/server.ts';
import { picture } from '../core/registry/colours.ts';
import { Issuer, makeKey } from './issuer.ts';
import { colours, json, listening } from './support.ts';
import type { Served } from './support.ts';

const bytes = async (): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await picture('red', 1)).read());
function* endless(piece: Buffer): Iterable<Buffer> {
  for (;;) yield piece;
}
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a server that takes the tokens of an issuer', () => {
  let issuer: Issuer;
  let served: Served;
  let own: string;
  before(async () => {
    issuer = await Issuer.start([await makeKey('first')]);
    const registry = await colours();
    const made = { name: 'own', scopes: ['read'] as const, createdBy: 'a test' };
    own = (await createToken(registryTokens(registry.store), made)).token;
    const jwt = { issuer: issuer.url, audience: 'kindred', cooldownMs: 0 };
    served = await listening({ tokens: true, jwt }, registry);
  });
  after(async () => {
    await served.close();
    await issuer.close();
  });

  const ask = async (
    path: string,
    token: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> =>
    served.fetch(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const statusOf = async (token: string): Promise<number> => (await ask('/v1/models', token)).status;

  it('lets each scope do what it is for, whichever claim it stands in', async () => {
    const classify = { method: 'POST', body: await bytes() };

    assert.equal(
      (await ask('/v1/classify', await issuer.token({ scope: 'classify' }), classify)).status,
      200,
    );
    assert.equal(await statusOf(await issuer.token({ scope: 'openid classify read' })), 200);
    assert.equal(await statusOf(await issuer.token({ scp: ['read'] })), 200);
    assert.equal(await statusOf(await issuer.token({ scp: 'read' })), 200);
    assert.equal(await statusOf(await issuer.token({ scope: 'admin' })), 200);
    const refused = await ask('/v1/models', await issuer.token({ scope: 'classify readers' }));
    assert.equal(refused.status, 403);
    assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_scope.*scope="read"/);
    assert.equal(await statusOf(await issuer.token()), 403);
    assert.equal(await statusOf(await issuer.token({ scope: { read: true } })), 403);
  });

  it('still takes its own tokens', async () => {
    assert.equal(await statusOf(own), 200);
    assert.equal((await served.fetch('/v1/models')).status, 401);
  });

  it('refuses what is not signed by the issuer, for it, and now', async () => {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: issuer.url, aud: 'kindred', exp: now + 60, scope: 'admin' };
    const [key] = issuer.keys;
    const stranger = await makeKey('first');
    const confused = `${encoded({ alg: 'HS256', kid: 'first' })}.${encoded(good)}`;
    const secret = await exportSPKI((key ?? stranger).publicKey);
    const [head, , signature] = (await issuer.token({ scope: 'read' })).split('.');
    const cases: Record<string, string> = {
      expired: await issuer.token({ ...good, exp: now - 60 }),
      'without an end': await issuer.token({ ...good, exp: undefined }),
      'not yet': await issuer.token({ ...good, nbf: now + 60 }),
      'for others': await issuer.token({ ...good, aud: 'others' }),
      'for nobody': await issuer.token({ ...good, aud: undefined }),
      'of another issuer': await issuer.token({ ...good, iss: 'http://127.0.0.1:1' }),
      'signed by a stranger': await issuer.token(good, stranger),
      'by a key that there is not': await issuer.token(good, await makeKey('none')),
      'by the public key as a secret': `${confused}.${createHmac('sha256', secret).update(confused).digest('base64url')}`,
      unsigned: `${encoded({ alg: 'none' })}.${encoded(good)}.`,
      changed: `${head}.${encoded(good)}.${signature}`,
      'with a header that must be understood': await issuer.token(good, key, { crit: ['other'], other: 1 }),
      'no token': 'a.b.c',
    };

    for (const [what, token] of Object.entries(cases)) {
      const response = await ask('/v1/models', token);
      assert.equal(response.status, 401, what);
      assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/, what);
      assert.equal((await json<{ type: string }>(response)).type, 'urn:kindred:problem:unauthorized');
    }
  });

  it('takes new keys as soon as the issuer has them, and old ones no more', async () => {
    const [old] = issuer.keys;
    issuer.keys = [await makeKey('second', 'RS256')];

    assert.equal(await statusOf(await issuer.token({ scope: 'read' })), 200);
    assert.equal(await statusOf(await issuer.token({ scope: 'read' }, old)), 401);
  });

  it('writes down who moved an alias', async () => {
    const headers = { 'content-type': 'application/json', 'if-none-match': '*' };
    const token = await issuer.token({ scope: 'admin', sub: 'so\nmebody' });

    await ask('/v1/models/colours/aliases/theirs', token, { method: 'PUT', headers, body: '{"version":1}' });

    const alias = await json<{ history: { by: string }[] }>(
      await ask('/v1/models/colours/aliases/theirs', token),
    );
    assert.equal(alias.history[0]?.by, 'jwt so mebody');
  });

  it('answers 503, and says when to come again, while the issuer does not answer', async () => {
    issuer.broken = true;
    const jwt = { issuer: issuer.url, audience: 'kindred' };
    const other = await listening({ jwt }, await colours());
    const authorization = `Bearer ${await issuer.token({ scope: 'read' })}`;

    const response = await other.fetch('/v1/models', { headers: { authorization } });

    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    assert.equal((await json<{ type: string }>(response)).type, 'urn:kindred:problem:issuer');
    // Why, is for whoever runs the server.
    assert.ok(other.log.some(({ level, error }) => level === 'error' && /caused by/.test(String(error))));
    issuer.broken = false;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.equal((await other.fetch('/v1/models', { headers: { authorization } })).status, 200);
    await other.close();
  });

  it('has no token in its log', async () => {
    const signed = await issuer.token({ scope: 'read', secret: 'a-claim-of-nobody-else' });
    for (const token of [signed, `${signed}x`, await issuer.token({ exp: 1 }), own]) {
      await ask(`/v1/models`, token);
    }

    const log = JSON.stringify(served.log);

    assert.ok(log.includes('/v1/models'));
    assert.doesNotMatch(log, /eyJ|a-claim-of-nobody-else|kindred_[0-9A-Z]{26}_/);
  });
});

describe('an issuer of tokens', () => {
  it('can have names of scopes of its own', async () => {
    const issuer = await Issuer.start([await makeKey('one')]);
    const taken = new JwtIssuer({ issuer: issuer.url, audience: 'kindred', scopePrefix: 'kindred/' });

    const { scopes } = await taken.verify(await issuer.token({ scope: 'kindred/read admin' }));

    assert.deepEqual(scopes, ['read']);
    await issuer.close();
  });

  it('is not asked for its keys by every token that makes one up', async () => {
    const issuer = await Issuer.start([await makeKey('one')]);
    const taken = new JwtIssuer({ issuer: issuer.url, audience: 'kindred' });
    await taken.verify(await issuer.token());

    for (const kid of ['two', 'three', 'four']) {
      await assert.rejects(taken.verify(await issuer.token({}, await makeKey(kid))), {
        status: 401,
      });
    }

    assert.equal(issuer.fetched, 1);
    await issuer.close();
  });

  it('is read no further, no longer and nowhere else than it should be, whatever it answers', async () => {
    const issuer = await Issuer.start([await makeKey('one')]);
    const token = await issuer.token();
    let elsewhere = 0;
    const spaces = Buffer.alloc(64 * 1024, ' ');
    const hostile: Record<string, [why: RegExp, (response: ServerResponse) => void]> = {
      'without an end': [
        /more than 262144 bytes/,
        (response) => Readable.from(endless(spaces)).pipe(response),
      ],
      'packed, and large unpacked': [
        /more than 262144 bytes/,
        (response) => {
          response.setHeader('Content-Encoding', 'gzip');
          response.end(gzipSync(Buffer.alloc(8 * 1024 * 1024, ' ')));
        },
      ],
      'drop by drop': [/time/i, (response) => void response.write(' ')],
      'not at all': [/time/i, () => undefined],
      'that it is elsewhere': [
        /answers 302|200 OK/,
        (response) => response.writeHead(302, { Location: `${issuer.url}/elsewhere` }).end(),
      ],
    };
    for (const [how, [why, answer]] of Object.entries(hostile)) {
      for (const where of ['/keys', '/.well-known/openid-configuration']) {
        issuer.hostile = (path, response) => {
          if (path === '/elsewhere') elsewhere++;
          if (path === where) answer(response);
          return path === where;
        };
        const taken = new JwtIssuer({ issuer: issuer.url, audience: 'kindred', patienceMs: 300 });

        const error = await taken.verify(token).then(
          () => assert.fail(),
          (thrown: Error) => thrown,
        );

        assert.equal((error as { code?: string }).code, 'issuer', `${how} at ${where}`);
        assert.match((error.cause as Error).message, why, `${how} at ${where}`);
      }
    }
    assert.equal(elsewhere, 0);
    await issuer.close();
  });

  it('is asked over lines that nobody else answers on', () => {
    const audience = 'kindred';
    for (const issuer of ['http://example.org', 'example.org', 'ftp://127.0.0.1']) {
      assert.throws(() => new JwtIssuer({ issuer, audience }), { name: 'InvalidInputError' });
    }
    const keys = 'http://example.org/keys';
    assert.throws(() => new JwtIssuer({ issuer: 'https://example.org', audience, keys }), {
      name: 'InvalidInputError',
    });
  });

  it('lets a server listen where others can reach it', async () => {
    const registry = await colours();
    const log = (): void => undefined;
    const jwt = { issuer: 'https://example.org', audience: 'kindred' };
    await assert.rejects(listen({ registry, log, host: '0.0.0.0', port: 0 }), /no token.*--jwt-issuer/);

    const server = await listen({ registry, log, jwt, host: '0.0.0.0', port: 0 });

    const url = server.url.replace('0.0.0.0', '127.0.0.1');
    assert.equal((await fetch(`${url}/v1/models`)).status, 401);
    await server.close();
  });
});
