import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { s3Store } from '../../../core/storage/s3.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';

describe('an address in S3 to upload to', { skip: whyNoGo() }, () => {
  let server: S3Server;
  let store: ObjectStore;
  before(async () => {
    server = await startS3();
    store = s3Store(`s3://${await server.bucket()}/base`, server.options);
  });
  after(() => server.stop());

  const KEY = 'datasets/clothes/Größe ?#/a b+c.jpg';
  const content = new Uint8Array([1, 2, 3, 4, 5]);

  async function put(
    change: {
      url?: (url: string) => string;
      type?: string;
      bytes?: Uint8Array;
      seconds?: number;
      instead?: string;
      sha256?: string;
      headers?: (headers: Headers) => void;
    } = {},
  ): Promise<number> {
    const address = await store.uploadAddress?.(KEY, {
      type: 'image/jpeg',
      bytes: 5,
      sha256: change.sha256,
      instead: change.instead ?? null,
      seconds: change.seconds ?? 60,
    });
    assert.ok(address);
    const headers = new Headers(address.headers);
    if (change.type !== undefined) headers.set('Content-Type', change.type);
    change.headers?.(headers);
    if (change.seconds !== undefined) await new Promise((go) => setTimeout(go, 2100));
    const url = change.url?.(address.url) ?? address.url;
    const body = new Uint8Array(change.bytes ?? content);
    const response = await fetch(url, { method: 'PUT', body, headers });
    await response.arrayBuffer();
    return response.status;
  }

  it('takes just what it is for', async () => {
    assert.equal(await put(), 200);
    assert.deepEqual((await store.get(KEY))?.bytes, content);
    await store.delete(KEY);
  });

  it('takes it once, in place of what was there when it was given out', async () => {
    const other = new Uint8Array([5, 4, 3, 2, 1]);
    assert.deepEqual([await put(), await put({ bytes: other })], [200, 412]);
    const first = (await store.head(KEY))?.etag ?? assert.fail();

    assert.deepEqual(
      [await put({ bytes: other, instead: first }), await put({ instead: first })],
      [200, 412],
    );

    assert.deepEqual((await store.get(KEY))?.bytes, other);
    for (const name of ['If-None-Match', 'If-Match']) {
      const without = { headers: (headers: Headers) => headers.delete(name), bytes: content };
      assert.equal(await put({ ...without, ...(name === 'If-Match' && { instead: first }) }), 403, name);
    }
    await store.delete(KEY);
  });

  it('takes just the content that it is for, where that was said', async () => {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const other = { sha256, bytes: new Uint8Array([5, 4, 3, 2, 1]) };
    const checksum = createHash('sha256').update(other.bytes).digest('base64');

    assert.equal(await put(other), 400);
    const said = (headers: Headers): void => headers.set('x-amz-checksum-sha256', checksum);
    assert.equal(await put({ ...other, headers: said }), 403);
    const unsaid = (headers: Headers): void => headers.delete('x-amz-checksum-sha256');
    assert.equal(await put({ ...other, headers: unsaid }), 403);
    assert.equal(await store.head(KEY), null);
    assert.equal(await put({ sha256 }), 200);
    await store.delete(KEY);
  });

  it('takes nothing else', async () => {
    assert.equal(await put({ type: 'text/html' }), 403);
    assert.equal(await put({ bytes: new Uint8Array(6) }), 403);
    assert.equal(await put({ bytes: new Uint8Array(4) }), 403);
    assert.equal(await put({ url: (url) => url.replace('datasets', 'models') }), 403);
    assert.equal(await put({ url: (url) => url.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000') }), 403);
    assert.equal(await put({ seconds: 1 }), 403);
    assert.equal(await store.head(KEY), null);
  });
});
