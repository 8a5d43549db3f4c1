import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { digest } from '../../core/images/picture.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import { s3Store } from '../../core/storage/s3.ts';
import { UploadSigner } from '../../functions/http/upload-signature.ts';
import { picture } from '../core/registry/colours.ts';
import { whyNoGo } from '../support/go-programs.ts';
import { startS3 } from '../support/s3-server.ts';
import { inProcess, json, listening } from './support.ts';
import type { Served } from './support.ts';

const red = async (n: number): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await picture('red', n)).read());
const at = (className: string, file: string): string =>
  `/v1/datasets/shades/images/${encodeURIComponent(className)}/${encodeURIComponent(file)}`;

interface Uploads {
  uploads: { key: string; method: string; url: string; headers: Record<string, string>; expiresAt: string }[];
}

for (const [way, serve] of [
  ['over HTTP', listening],
  ['in process', inProcess],
] as const) {
  describe(`pictures of data sets ${way}`, () => {
    let served: Served;
    before(async () => {
      served = await serve({ limits: { pictureBytes: 20_000 } });
    });
    after(() => served.close());

    const put = (
      path: string,
      body: NonNullable<RequestInit['body']>,
      headers: Record<string, string> = {},
    ) => served.fetch(path, { method: 'PUT', body, headers: { 'content-type': 'image/png', ...headers } });
    const wanted = (files: unknown) =>
      served.fetch('/v1/datasets/shades/uploads', {
        method: 'POST',
        body: JSON.stringify({ files }),
        headers: { 'content-type': 'application/json' },
      });

    it('are put, replaced, kept and taken out, under any name', async () => {
      const path = at('Größe 大', 'a+b & c?.png');
      const key = 'datasets/shades/Größe 大/a+b & c?.png';

      const first = await json(await put(path, await red(1)));
      const again = await json(await put(path, await red(1)));
      const kept = await put(path, await red(2), { 'if-none-match': '*' });
      const replaced = await json(await put(path, await red(2)));

      assert.deepEqual(
        [first['key'], first['written'], again['written'], kept.status],
        [key, true, false, 412],
      );
      assert.equal(replaced['written'], true);
      assert.deepEqual((await served.registry.store.get(key))?.bytes, await red(2));
      const shown = await json<{ images: { key: string }[] }>(await served.fetch('/v1/datasets/shades'));
      assert.deepEqual(
        shown.images.map((image) => image.key),
        [key],
      );
      assert.equal((await served.fetch(path, { method: 'DELETE' })).status, 200);
      assert.equal((await served.fetch(path, { method: 'DELETE' })).status, 404);
      assert.equal(await served.registry.store.head(key), null);
    });

    it('go into the class that is there, however its name is spelled in Unicode', async () => {
      const [composed, decomposed] = ['é'.normalize('NFC'), 'é'.normalize('NFD')];
      const kept = `datasets/shades/${decomposed}x/1.png`;
      await served.registry.store.put(kept, await red(1));
      const key = async (className: string, n: number) =>
        (await json(await put(at(className, `${n}.png`), await red(n))))['key'];

      assert.equal(await key(`${composed}x`, 2), `datasets/shades/${decomposed}x/2.png`);
      assert.equal(await key(decomposed, 1), `datasets/shades/${composed}/1.png`);
      const file = { class: decomposed, file: '3.png', type: 'image/png', bytes: 10 };
      const { uploads } = await json<Uploads>(await wanted([file]));
      assert.equal(uploads[0]?.key, `datasets/shades/${composed}/3.png`);

      assert.equal((await served.fetch(at(`${composed}x`, '1.png'), { method: 'DELETE' })).status, 200);
      assert.equal(await served.registry.store.head(kept), null);
      await served.registry.store.delete(`datasets/shades/${decomposed}x/2.png`);
      await served.registry.store.delete(`datasets/shades/${composed}/1.png`);
    });

    it('lie nowhere else than in their data set', async () => {
      const body = await red(1);
      for (const [className, file] of [
        ['..', 'x.png'],
        ['a', '..'],
        ['a/b', 'x.png'],
        ['..%2f..', 'x.png'],
        ['x%2f..', 'x.png'],
        ['a', '../../models/x'],
        ['a', 'x\u0000.png'],
        ['a', 'x\n.png'],
        ['.', '.'],
        ['x'.repeat(300), 'y'],
        ['ü'.repeat(200), 'y'],
        ['.hidden', 'x.png'],
        ['a', '.x.png'],
        ['a', 'Thumbs.db'],
      ] as const) {
        const { status } = await put(at(className, file), body);
        // "%2f" in a class's name, after one decoding, is a name like any other.
        assert.ok(
          className.startsWith('x%2f') ? status === 200 : [400, 404, 405].includes(status),
          `${className}/${file}: ${status}`,
        );
      }
      const { status } = await put('/v1/datasets/..%2Fmodels/images/a/b.png', body);
      assert.equal(status, 400);
      for await (const { key } of served.registry.store.list(''))
        assert.match(key, /^(datasets\/shades|models\/colours)\//);
    });

    it('are pictures, of a bearable size', async () => {
      const path = at('red', 'x.png');
      const text = new TextEncoder().encode('<html><script>alert(1)</script></html>');
      const statuses = [
        await put(path, text),
        await put(path, new Uint8Array(0)),
        await put(path, new Uint8Array(30_000)),
        await put(path, (await red(1)).slice(0, 20)),
        await put(path, await red(1), { 'content-type': 'text/html' }),
      ].map(({ status }) => status);

      assert.deepEqual(statuses, [415, 422, 413, 422, 415]);
      assert.equal(await served.registry.store.head('datasets/shades/red/x.png'), null);
    });

    it('are put to addresses that were asked for, each for one picture of one type and length', async () => {
      const body = await red(3);
      const answer = await wanted([{ class: 'red', file: '3 ü.png', type: 'image/png', bytes: body.length }]);
      const { uploads } = await json<Uploads>(answer);
      const [{ key, url, headers, method, expiresAt } = assert.fail('no address')] = uploads;
      const { pathname } = new URL(url);

      const longer = await put(pathname, new Uint8Array([...body, 0]));
      const shorter = await put(pathname, body.slice(1));
      const typed = await put(pathname, body, { 'content-type': 'image/jpeg' });
      assert.deepEqual([longer.status, shorter.status, typed.status], [413, 400, 415]);
      const [text = '', mark = ''] = pathname.split('/').at(-1)?.split('.') ?? [];
      const forged = Buffer.from(
        Buffer.from(text, 'base64url').toString().replace('shades', 'others'),
      ).toString('base64url');
      for (const signed of [`${forged}.${mark}`, `${text}.`, text, `${text}.${mark}x`, 'x.y']) {
        const { status } = await put(`/v1/uploads/${signed}`, body);
        assert.equal(status, 403, signed);
      }
      assert.equal(await served.registry.store.head(key), null);

      const done = await served.fetch(pathname, { method, body, headers });
      assert.equal(done.status, 200);
      assert.deepEqual((await served.registry.store.get('datasets/shades/red/3 ü.png'))?.bytes, body);
      assert.ok(Date.parse(expiresAt) > Date.now());
      // Whoever reads the log could use it.
      assert.ok(!JSON.stringify(served.log).includes(mark));
    });

    it('are put to an address once, in place of what was there when it was given out', async () => {
      const [one, two, three] = [await red(4), await red(5), await red(6)];
      const address = async (bytes: Uint8Array, sha256?: string): Promise<string> => {
        const file = { class: 'red', file: 'once.png', type: 'image/png', bytes: bytes.length };
        const { uploads } = await json<Uploads>(await wanted([{ ...file, sha256 }]));
        return new URL(uploads[0]?.url ?? '').pathname;
      };
      const now = async () => (await served.registry.store.get('datasets/shades/red/once.png'))?.bytes;
      const status = async (path: string, bytes: Uint8Array<ArrayBuffer>): Promise<number> =>
        (await put(path, bytes)).status;
      const [first, rival] = [await address(one), await address(two)];

      assert.deepEqual(
        [await status(first, one), await status(first, one)],
        [200, 200],
        'an answer may be lost',
      );
      // Of the same length, as all of these are.
      assert.deepEqual([one.length, one.length], [two.length, three.length]);
      assert.deepEqual([await status(first, two), await status(rival, two)], [412, 412]);
      assert.deepEqual(await now(), one);

      const [instead, bound] = [await address(two), await address(three, digest(three))];
      assert.deepEqual([await status(bound, two), await status(instead, two)], [400, 200]);
      assert.deepEqual([await status(bound, three), await status(instead, one)], [412, 412]);
      assert.deepEqual(await now(), two);

      const last = await address(three, digest(three));
      assert.deepEqual([await status(last, three), await now()], [200, three]);
      await served.registry.store.delete('datasets/shades/red/once.png');
      assert.deepEqual(
        [await status(first, one), await status(first, two)],
        [412, 412],
        'also when it was removed',
      );
    });

    it('get no addresses that could not be used', async () => {
      const fine = { class: 'red', file: '1.png', type: 'image/png', bytes: 10 };
      const statuses = [];
      for (const file of [
        { ...fine, class: '..' },
        { ...fine, class: '.a' },
        { ...fine, file: 'a/b' },
        { ...fine, type: 'text/html' },
        { ...fine, type: 'image/png\r\nx: y' },
        { ...fine, bytes: 0 },
        { ...fine, bytes: 30_000 },
        { ...fine, more: 1 },
        { ...fine, sha256: 'x' },
      ]) {
        statuses.push((await wanted([file])).status);
      }
      assert.deepEqual(statuses, [400, 400, 400, 400, 400, 400, 413, 400, 400]);
      assert.equal((await wanted([])).status, 400);
    });
  });
}

describe('a signed address', () => {
  const signer = new UploadSigner(new Uint8Array(32).fill(7));
  const upload = { type: 'image/png', bytes: 5, instead: null, seconds: 10 };

  it('holds until it expires', () => {
    const signed = signer.sign('datasets/a/b/c', upload, 1000);

    assert.equal(signer.read(signed, 11_000).key, 'datasets/a/b/c');
    assert.throws(() => signer.read(signed, 11_001), { code: 'forbidden' });
  });

  it('holds only with the secret that it was made with', () => {
    const other = new UploadSigner(new Uint8Array(32).fill(8));

    assert.throws(() => other.read(signer.sign('datasets/a/b/c', upload)), { code: 'forbidden' });
  });
});

describe('uploads to a registry in S3', { skip: whyNoGo() }, () => {
  it('go into the bucket, and not through the server', async () => {
    const s3 = await startS3();
    const registry = openRegistry(s3Store(`s3://${await s3.bucket()}/base`, s3.options));
    const served = await listening({}, registry);
    try {
      const body = await red(1);
      const asked = await served.fetch('/v1/datasets/shades/uploads', {
        method: 'POST',
        body: JSON.stringify({
          files: [{ class: 'ü', file: '1.png', type: 'image/png', bytes: body.length }],
        }),
        headers: { 'content-type': 'application/json' },
      });
      const [{ url, headers } = assert.fail('no address')] = (await json<Uploads>(asked)).uploads;

      const done = await fetch(url, { method: 'PUT', body, headers });

      assert.deepEqual([new URL(url).port, done.status], [String(s3.port), 200]);
      assert.deepEqual((await registry.store.get('datasets/shades/ü/1.png'))?.bytes, body);
    } finally {
      await served.close();
      await s3.stop();
    }
  });
});
