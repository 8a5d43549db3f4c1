import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ConflictError, CorruptDataError } from '../../../core/errors.ts';
import { s3Store } from '../../../core/storage/s3.ts';
import { StorageError } from '../../../core/storage/storage-error.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import type { Fault, FaultProxy, Seen } from '../../support/fault-proxy.ts';
import { whyNoGo } from '../../support/go-programs.ts';
import { optionsFor, startS3 } from '../../support/s3-server.ts';
import type { S3Server } from '../../support/s3-server.ts';
import { startToxiproxy } from '../../support/toxiproxy.ts';
import type { Toxiproxy } from '../../support/toxiproxy.ts';
import { asText, gather, keysOf, text } from './contract.ts';

const MEGABYTE = 1 << 20;
const large = (size: number): Uint8Array => new Uint8Array(size).map((_, i) => (i * 7 + (i >> 8)) & 255);

describe('S3 over a bad network', { skip: whyNoGo() }, () => {
  let server: S3Server;
  let toxiproxy: Toxiproxy;
  let proxy: FaultProxy;
  let folder: string;
  let bucket: string;
  /** Straight to the server. */
  let direct: ObjectStore;
  /** Over toxiproxy, which spoils bytes and connections. */
  let bytewise: ObjectStore;
  /** Over the proxy that spoils requests and answers. */
  let spoiled: ObjectStore;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kindred-s3-faults-'));
    server = await startS3();
    toxiproxy = await startToxiproxy(server.port);
    proxy = await startFaultProxy(server.port);
  });
  after(async () => {
    await proxy.stop();
    await toxiproxy.stop();
    await server.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    bucket = await server.bucket();
    const fast = { attempts: 3, connectMs: 1000, silenceMs: 700 };
    direct = s3Store(`s3://${bucket}/p`, server.options);
    bytewise = s3Store(`s3://${bucket}/p`, optionsFor(toxiproxy.port, fast));
    spoiled = s3Store(`s3://${bucket}/p`, optionsFor(proxy.port, fast));
  });
  afterEach(async () => {
    proxy.onRequest(() => undefined);
    await toxiproxy.reset();
  });

  /** Spoils the first `count` requests that `matches`. */
  function spoil(
    matches: (request: Seen) => boolean,
    fault: Fault,
    count = Infinity,
  ): { readonly times: number } {
    const state = { times: 0 };
    proxy.onRequest((request) => {
      if (!matches(request) || state.times >= count) return undefined;
      state.times++;
      return fault;
    });
    return state;
  }
  const isPut = ({ method }: Seen): boolean => method === 'PUT';
  const isGet = ({ method }: Seen): boolean => method === 'GET';

  describe('reading', () => {
    it('asks for the rest where a body is cut, again and again', async () => {
      const bytes = large(5 * MEGABYTE);
      await direct.put('a', bytes);
      await toxiproxy.add('limit_data', 'downstream', { bytes: MEGABYTE });

      const pieces = await bytewise.read('a');
      assert.ok(pieces);
      assert.deepEqual(new Uint8Array(Buffer.concat(await gather(pieces))), bytes);
      assert.deepEqual((await bytewise.get('a'))?.bytes, bytes);
    });

    it('says so when nothing gets through any more', async () => {
      await direct.put('a', large(MEGABYTE));
      await toxiproxy.add('limit_data', 'downstream', { bytes: 20_000 });

      await assert.rejects(bytewise.get('a'), (error) => {
        assert.ok(error instanceof StorageError);
        assert.match(error.message, /Cannot read "s3:\/\/bucket-\d+\/p\/a": .*breaks off again and again/);
        return true;
      });
    });

    it("reads somebody else's object again when its body is cut", async () => {
      const bytes = large(MEGABYTE);
      await server.put(bucket, 'p/theirs', bytes);
      const cut = spoil(isGet, { kind: 'cut-answer' }, 2);
      assert.deepEqual((await spoiled.get('theirs'))?.bytes, bytes);
      assert.equal(cut.times, 2);
      spoil(isGet, { kind: 'cut-answer' }, 2);
      const pieces = (await spoiled.read('theirs')) ?? assert.fail();
      assert.deepEqual(new Uint8Array(Buffer.concat(await gather(pieces))), bytes);
    });

    it('never mixes two versions of an object', async () => {
      await direct.put('a', large(3 * MEGABYTE));
      await toxiproxy.add('limit_data', 'downstream', { bytes: MEGABYTE });
      const pieces = await bytewise.read('a');
      assert.ok(pieces);

      await assert.rejects(async () => {
        let isFirst = true;
        for await (const piece of pieces) {
          if (isFirst && piece.length > 0) await direct.put('a', new Uint8Array(3 * MEGABYTE));
          isFirst = false;
        }
      }, /replaced while it was read/);
    });

    it('lists completely when an answer is cut', async () => {
      const keys = Array.from(
        { length: 30 },
        (_, i) => `many/${'x'.repeat(200)}${String(i).padStart(3, '0')}`,
      );
      await Promise.all(keys.map((key) => direct.put(key, text('x'))));
      for (const kind of ['lose-answer', 'cut-answer'] as const) {
        const spoilt = spoil(isGet, { kind }, 2);
        assert.deepEqual(await keysOf(spoiled, 'many/'), keys);
        assert.equal(spoilt.times, 2);
      }
      spoil(isGet, { kind: 'cut-answer' });
      await assert.rejects(keysOf(spoiled, 'many/'), StorageError);
    });

    it('notices a wrong byte, asks again, and says so when it stays wrong', async () => {
      const bytes = large(100_000);
      await direct.put('a', bytes);
      await server.put(bucket, 'p/theirs', bytes);
      for (const key of ['a', 'theirs']) {
        const once = spoil(isGet, { kind: 'damage-answer' }, 1);
        assert.deepEqual((await spoiled.get(key))?.bytes, bytes);
        assert.equal(once.times, 1);
      }
      spoil(isGet, { kind: 'damage-answer' });
      for (const key of ['a', 'theirs']) {
        await assert.rejects(spoiled.get(key), CorruptDataError, key);
        const pieces = await spoiled.read(key);
        await assert.rejects(gather(pieces ?? assert.fail()), CorruptDataError, key);
      }
    });

    it('says what is the matter when nobody answers, or nobody is there', async () => {
      await direct.put('a', text('x'));
      await toxiproxy.add('timeout', 'downstream', { timeout: 0 });
      await assert.rejects(
        bytewise.get('a'),
        /StorageError: Cannot read .*no answer came in time.*TimeoutError, 3 attempts/,
      );
      await toxiproxy.reset();
      await toxiproxy.disable();
      await assert.rejects(
        bytewise.get('a'),
        /StorageError: Cannot read .*(nobody answers|connection was cut).*3 attempts/,
      );
    });
  });

  describe('writing', () => {
    it('waits when the server asks to slow down, and says so when it does not end', async () => {
      const slow: Fault = { kind: 'answer', status: 503, code: 'SlowDown' };
      const twice = spoil(() => true, slow, 2);
      await spoiled.put('a', text('1'), { ifAbsent: true });
      assert.equal(twice.times, 2);
      assert.equal(asText((await direct.get('a'))?.bytes), '1');

      spoil(() => true, slow);
      await assert.rejects(
        spoiled.put('a', text('2')),
        /StorageError: Cannot write .*slow down.*SlowDown, HTTP 503, 3 attempts/,
      );
      assert.equal(asText((await direct.get('a'))?.bytes), '1');
    });

    it('sends again what arrived wrong, and stores nothing wrong', async () => {
      const once = spoil(isPut, { kind: 'damage-request' }, 1);
      await spoiled.put('a', large(100_000), { ifAbsent: true });
      assert.equal(once.times, 1);
      assert.deepEqual((await direct.get('a'))?.bytes, large(100_000));

      spoil(isPut, { kind: 'damage-request' });
      await assert.rejects(
        spoiled.put('b', large(100_000)),
        /StorageError: Cannot write .*not what was sent/,
      );
      await assert.rejects(
        spoiled.put('b', large(9 * MEGABYTE)),
        /StorageError: Cannot write .*not what was sent/,
      );
      assert.deepEqual(await keysOf(direct, ''), ['a']);
      assert.equal(await server.openUploads(bucket), 0);
    });

    it('knows its own write when the answer was lost', async () => {
      const lost = spoil(isPut, { kind: 'lose-answer' }, 1);
      const { etag } = await spoiled.put('a', text('1'), { ifAbsent: true });
      assert.equal(lost.times, 1);
      assert.equal((await direct.head('a'))?.etag, etag);

      spoil(isPut, { kind: 'lose-answer' }, 1);
      const next = await spoiled.put('a', text('2'), { ifMatch: etag });
      assert.deepEqual(await direct.get('a'), { bytes: text('2'), etag: next.etag });
    });

    it('knows its own write when every answer is lost, or none ever comes', async () => {
      spoil(isPut, { kind: 'lose-answer' });
      await spoiled.put('a', text('1'), { ifAbsent: true });
      spoil(isPut, { kind: 'silence' });
      await spoiled.put('b', text('1'), { ifAbsent: true });
      spoil(isPut, { kind: 'answer', status: 500, code: 'InternalError' });
      await assert.rejects(
        spoiled.put('c', text('1'), { ifAbsent: true }),
        /StorageError.*may have been written/,
      );
      assert.deepEqual(await keysOf(direct, ''), ['a', 'b']);
    });

    it("does not take another's write of the same content for its own", async () => {
      const same = text('the same');
      await direct.put('a', same, { ifAbsent: true });
      // Its first attempt is cut before the server does anything, as far as it can tell.
      spoil(isPut, { kind: 'lose-answer' }, 1);
      await assert.rejects(spoiled.put('a', same, { ifAbsent: true }), ConflictError);

      const { etag } = (await direct.head('a')) ?? assert.fail();
      await direct.put('a', text('next'), { ifMatch: etag });
      spoil(isPut, { kind: 'lose-answer' }, 1);
      await assert.rejects(spoiled.put('a', text('next'), { ifMatch: etag }), ConflictError);
    });

    it('knows its own write when others have built upon it before it heard', async () => {
      const first = await direct.put('a', text('0'));
      const mine = await spoiled.get('a');
      let theirs = 0;
      const others = async (): Promise<void> => {
        for (; theirs < 3; theirs++) {
          const found = (await direct.get('a')) ?? assert.fail();
          await direct.put('a', text(`${asText(found.bytes)} theirs`), { ifMatch: found.etag });
        }
      };
      spoil(isPut, { kind: 'lose-answer', meanwhile: others }, 1);

      const { etag } = await spoiled.put('a', text('0 mine'), { ifMatch: mine?.etag ?? first.etag });

      assert.equal(asText((await direct.get('a'))?.bytes), '0 mine theirs theirs theirs');
      await assert.rejects(spoiled.put('a', text('lost'), { ifMatch: etag }), ConflictError);
    });

    it('tries again when S3 reports a conflict of the moment, and gives up as a conflict', async () => {
      const conflict: Fault = { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' };
      spoil(isPut, conflict, 2);
      await spoiled.put('a', text('1'), { ifAbsent: true });
      spoil(isPut, conflict);
      await assert.rejects(spoiled.put('b', text('1'), { ifAbsent: true }), ConflictError);
      assert.deepEqual(await keysOf(direct, ''), ['a']);
    });

    it('stores a large file whole, or not at all and without parts left over', async () => {
      const bytes = large(20 * MEGABYTE + 1);
      const file = join(folder, 'large.bin');
      await writeFile(file, bytes);
      await direct.put('a', text('old'));
      await toxiproxy.add('limit_data', 'upstream', { bytes: 3 * MEGABYTE });
      await assert.rejects(bytewise.put('a', { file }), /StorageError: Cannot write .*connection was cut/);
      assert.equal(asText((await direct.get('a'))?.bytes), 'old');
      assert.deepEqual(await keysOf(direct, ''), ['a']);
      assert.equal(await server.openUploads(bucket), 0);

      await toxiproxy.reset();
      await bytewise.put('a', { file });
      assert.deepEqual((await direct.get('a'))?.bytes, bytes);
      assert.equal((await direct.head('a'))?.size, bytes.length);
    });

    it('keeps to conditions for large files too, also when the answer is lost', async () => {
      const bytes = large(9 * MEGABYTE);
      spoil(({ method, query }) => method === 'POST' && query.has('uploadId'), { kind: 'lose-answer' }, 1);
      const { etag } = await spoiled.put('a', bytes, { ifAbsent: true });
      assert.equal((await direct.head('a'))?.etag, etag);
      await assert.rejects(spoiled.put('a', bytes, { ifAbsent: true }), ConflictError);
      await assert.rejects(spoiled.put('a', bytes, { ifMatch: 'another' }), ConflictError);
      const next = await spoiled.put('a', large(10 * MEGABYTE), { ifMatch: etag });
      assert.deepEqual(await direct.head('a'), { size: 10 * MEGABYTE, etag: next.etag });
      assert.equal(await server.openUploads(bucket), 0);
    });

    it('leaves the old object or the new one when connections are reset', async () => {
      await direct.put('a', text('old'));
      await toxiproxy.add('reset_peer', 'upstream', { timeout: 0 });
      await assert.rejects(bytewise.put('a', text('new')), StorageError);
      await toxiproxy.reset();
      assert.equal(asText((await direct.get('a'))?.bytes), 'old');
      await toxiproxy.add('latency', 'downstream', { latency: 100, jitter: 50 });
      await bytewise.put('a', text('new'));
      assert.equal(asText((await bytewise.get('a'))?.bytes), 'new');
    });
  });
});
