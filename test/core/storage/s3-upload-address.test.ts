import assert from 'node:assert/strict';
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
    change: { url?: (url: string) => string; type?: string; bytes?: Uint8Array; seconds?: number } = {},
  ): Promise<number> {
    const address = await store.uploadAddress?.(KEY, {
      type: 'image/jpeg',
      bytes: 5,
      seconds: change.seconds ?? 60,
    });
    assert.ok(address);
    const headers = change.type === undefined ? address.headers : { 'Content-Type': change.type };
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
