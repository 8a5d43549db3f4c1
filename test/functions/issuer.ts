/** An issuer of tokens that listens on this machine, as an OpenID Connect provider does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey } from 'jose';

interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export async function makeKey(kid: string, alg = 'ES256'): Promise<Key> {
  return { kid, alg, ...(await generateKeyPair(alg)) };
}

export class Issuer {
  readonly url: string;
  /** What it publishes. */
  keys: readonly Key[];
  /** Answers 500 while it is. */
  broken = false;
  /** Answers in its place, where it gives true. */
  hostile: ((path: string, response: ServerResponse) => boolean) | null = null;
  /** How often its keys were fetched. */
  fetched = 0;
  readonly #close: () => Promise<void>;

  private constructor(url: string, keys: readonly Key[], close: () => Promise<void>) {
    [this.url, this.keys, this.#close] = [url, keys, close];
  }

  static async start(keys: readonly Key[]): Promise<Issuer> {
    const server = createServer((request, response) => {
      if (issuer.hostile?.(request.url ?? '', response)) return;
      response.setHeader('Content-Type', 'application/json');
      response.statusCode = issuer.broken ? 500 : 200;
      issuer.#answer(request.url).then((answer) => response.end(JSON.stringify(answer)), assert.ifError);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer: Issuer = new Issuer(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      keys,
      async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    );
    return issuer;
  }

  async #answer(path: string | undefined): Promise<object> {
    if (this.broken) return {};
    if (path !== '/keys') return { issuer: this.url, jwks_uri: `${this.url}/keys` };
    this.fetched++;
    const published = this.keys.map(async ({ kid, alg, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg,
    }));
    return { keys: await Promise.all(published) };
  }

  /** A token for "kindred" that holds for a minute, unless the claims say something else. */
  async token(claims: Record<string, unknown> = {}, key = this.keys[0], header = {}): Promise<string> {
    if (key === undefined) throw new Error('the issuer has no key');
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: this.url, aud: 'kindred', sub: 'somebody', iat: now, exp: now + 60, ...claims })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
      .sign(key.privateKey, { crit: { other: true } });
  }

  close(): Promise<void> {
    return this.#close();
  }
}
