import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConflictError, InvalidInputError, NotFoundError, TooLargeError } from '../../../core/errors.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';

export interface OpenedStore {
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);
export const asText = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

async function piecesOf(store: ObjectStore, key: string): Promise<Uint8Array[]> {
  const pieces = await store.read(key);
  assert.ok(pieces, `${key} is missing`);
  return gather(pieces);
}

export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await gather(store.list(prefix))).map(({ key }) => key);
}

/**
 * What every driver must do; `open` gives a fresh, empty store each time.
 * @param isServersRace whether an error is one of the server behind the driver, of requests that come at the same moment: such a write is
 * sent again. @default none is
 */
export function storageContract(
  driver: string,
  open: () => Promise<OpenedStore>,
  isServersRace: (error: unknown) => boolean = () => false,
): void {
  describe(`the ${driver} store`, () => {
    let store: ObjectStore;
    let close: () => Promise<void>;
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kindred-contract-'));
    });
    after(() => rm(folder, { recursive: true }));

    const test = (name: string, work: () => Promise<void>): void => {
      it(name, async () => {
        ({ store, close } = await open());
        try {
          await work();
        } finally {
          await close();
        }
      });
    };

    test('knows nothing at first', async () => {
      assert.equal(await store.get('a'), null);
      assert.equal(await store.head('a/b'), null);
      assert.equal(await store.read('a'), null);
      assert.deepEqual(await keysOf(store, ''), []);
      await store.delete('a/b');
    });

    test('gives back what was put, with size and etag, and nothing after delete', async () => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) & 255);
      const { etag } = await store.put('a/b.bin', bytes);
      const found = await store.get('a/b.bin');
      assert.deepEqual(found, { bytes, etag });
      assert.deepEqual(await store.head('a/b.bin'), { size: 70_000, etag });
      await store.delete('a/b.bin');
      assert.equal(await store.get('a/b.bin'), null);
      assert.deepEqual(await keysOf(store, ''), []);
    });

    test('gives an object that may have so many bytes, and refuses a larger one', async () => {
      await store.put('a', text('12345'));
      assert.equal(asText((await store.get('a', 5))?.bytes), '12345');
      await assert.rejects(store.get('a', 4), TooLargeError);
      assert.equal(await store.get('b', 4), null);
    });

    test('keeps an empty object', async () => {
      await store.put('empty', new Uint8Array());
      assert.equal((await store.get('empty'))?.bytes.length, 0);
      assert.equal((await store.head('empty'))?.size, 0);
      assert.deepEqual(await piecesOf(store, 'empty'), []);
    });

    test('is not changed through the arrays that it was given or gave', async () => {
      const given = text('one');
      await store.put('a', given);
      given[0] = 0;
      const got = await store.get('a');
      got?.bytes.fill(0);
      assert.equal(asText((await store.get('a'))?.bytes), 'one');
    });

    test('reads a large object in pieces that make up the whole', async () => {
      const bytes = new Uint8Array(5_000_000).map((_, i) => (i * 7) & 255);
      await store.put('large', bytes);
      const pieces = await piecesOf(store, 'large');
      assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), bytes);
      assert.ok(pieces.length > 1, 'it came in one piece');
    });

    test('copies a local file and leaves it where it is', async () => {
      const file = join(folder, 'local.bin');
      await writeFile(file, 'from a file');
      const { etag } = await store.put('copied', { file });
      assert.equal(asText((await store.get('copied'))?.bytes), 'from a file');
      assert.equal((await store.head('copied'))?.etag, etag);
      await writeFile(file, 'changed later');
      assert.equal(asText((await store.get('copied'))?.bytes), 'from a file');
      assert.equal(await readFile(file, 'utf8'), 'changed later');
    });

    test('names a local file that is not there or not a file, and keeps the old object', async () => {
      await store.put('a', text('old'));
      await assert.rejects(store.put('a', { file: join(folder, 'nothing') }), NotFoundError);
      await assert.rejects(store.put('a', { file: folder }), InvalidInputError);
      assert.equal(asText((await store.get('a'))?.bytes), 'old');
      assert.deepEqual(await keysOf(store, ''), ['a']);
    });

    test('changes the etag with the content', async () => {
      const first = await store.put('a', text('1'));
      const second = await store.put('a', text('2'));
      assert.notEqual(first.etag, second.etag);
      assert.equal((await store.head('a'))?.etag, second.etag);
    });

    test('creates conditionally only what is not there', async () => {
      await store.put('a', text('first'), { ifAbsent: true });
      await assert.rejects(store.put('a', text('second'), { ifAbsent: true }), ConflictError);
      assert.equal(asText((await store.get('a'))?.bytes), 'first');
      await store.delete('a');
      await store.put('a', text('third'), { ifAbsent: true });
      assert.equal(asText((await store.get('a'))?.bytes), 'third');
    });

    test('replaces conditionally only what is unchanged', async () => {
      const { etag } = await store.put('a', text('1'));
      const next = await store.put('a', text('2'), { ifMatch: etag });
      await assert.rejects(store.put('a', text('3'), { ifMatch: etag }), ConflictError);
      assert.equal(asText((await store.get('a'))?.bytes), '2');
      await store.delete('a');
      await assert.rejects(store.put('a', text('4'), { ifMatch: next.etag }), ConflictError);
      assert.equal(await store.get('a'), null);
    });

    test('refuses both conditions at once', async () => {
      await assert.rejects(store.put('a', text('1'), { ifAbsent: true, ifMatch: 'x' }), InvalidInputError);
    });

    test('lets one of many creators at once win', async () => {
      const tries = Array.from({ length: 20 }, (_, i) =>
        store.put('a/b/c', text(`${i}`), { ifAbsent: true }),
      );
      const won = (await Promise.allSettled(tries)).flatMap((r, i) =>
        r.status === 'fulfilled' ? [`${i}`] : [],
      );
      assert.equal(won.length, 1);
      assert.equal(asText((await store.get('a/b/c'))?.bytes), won[0]);
    });

    test('loses no increment of a counter under compare-and-swap', async () => {
      await store.put('counter', text('0'));
      const increment = async (): Promise<void> => {
        for (;;) {
          const found = await store.get('counter');
          const next = text(`${Number(asText(found?.bytes)) + 1}`);
          try {
            await store.put('counter', next, { ifMatch: found?.etag ?? '' });
            return;
          } catch (error) {
            assert.ok(error instanceof ConflictError);
          }
        }
      };
      await Promise.all(Array.from({ length: 15 }, increment));
      assert.equal(asText((await store.get('counter'))?.bytes), '15');
    });

    test('lists by prefix in code-unit order, folders or not', async () => {
      const keys = [
        'a',
        'a-b/x',
        'ab/c',
        'ab.txt',
        'ab/c.d/e',
        'ab0',
        'Z',
        'é/1',
        '\u{1f600}/1',
        '\uff5e/1',
        'ab/b/z',
      ];
      const sorted = keys.toSorted();
      for (const key of keys) await store.put(key, text(key));
      assert.deepEqual(await keysOf(store, ''), sorted);
      for (const prefix of ['a', 'ab', 'ab/', 'ab/c', 'ab/c.d/', 'ab/b/z', 'é', 'x', 'ab/x/y/z', 'Z/']) {
        assert.deepEqual(
          await keysOf(store, prefix),
          sorted.filter((key) => key.startsWith(prefix)),
          prefix,
        );
      }
      for await (const { key, size } of store.list('')) assert.equal(size, text(key).length);
    });

    test('says of each object when it is another one than at the last listing', async () => {
      const states = async () => (await gather(store.list(''))).map(({ key, state }) => `${key} ${state}`);
      await store.put('a/1', text('one'));
      await store.put('a/2', text('two'));
      const [first, second] = await states();

      assert.deepEqual(await states(), [first, second]);
      await store.put('a/1', text('eno'));

      const [changed, same] = await states();
      assert.notEqual(changed, first);
      assert.equal(same, second);
    });

    test('names the folders below a prefix', async () => {
      for (const key of ['a/b/1', 'a/b/2', 'a/b-c/1', 'a/é/x/y', 'a/d', 'e/f', 'top'])
        await store.put(key, text('x'));
      assert.deepEqual(await gather(store.folders('')), ['a', 'e']);
      assert.deepEqual(await gather(store.folders('a/')), ['b', 'b-c', 'é']);
      assert.deepEqual(await gather(store.folders('a/é/')), ['x']);
      assert.deepEqual(await gather(store.folders('nothing/')), []);
      await store.delete('a/b-c/1');
      assert.deepEqual(await gather(store.folders('a/')), ['b', 'é']);
      await assert.rejects(gather(store.folders('a')), InvalidInputError);
    });

    test('lists more than one page of objects completely', async () => {
      const keys = Array.from({ length: 1203 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, text('x'))));
      }
      assert.deepEqual(await keysOf(store, 'many/'), keys);
    });

    test('keeps names of any Unicode as they are', async () => {
      const keys = [
        '猫/黒 猫.jpg',
        'Opera_Națională/ș+%20?#&.png',
        'a/ leading and trailing ',
        'a/...',
        'a/-rf',
        'a/"\'`$',
        'a/\u202egpj.x',
        `long/${'é'.repeat(127)}`,
        '__proto__/constructor',
      ];
      for (const key of keys) await store.put(key, text(key));
      for (const key of keys) assert.equal(asText((await store.get(key))?.bytes), key);
      assert.deepEqual(await keysOf(store, ''), keys.toSorted());
    });

    test('refuses keys that are not names, whatever is asked', async () => {
      const bad = [
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        '../a',
        'a/../b',
        'a/./b',
        'a\0b',
        'a\nb',
        'a\u0085b',
        'a\ud800',
        'x'.repeat(256),
        'é'.repeat(128),
        'ab/'.repeat(400) + 'c',
        '.kindred-store/tmp/x',
        '.Kindred-Store/x',
      ];
      for (const key of bad) {
        await assert.rejects(store.get(key), InvalidInputError, JSON.stringify(key));
        await assert.rejects(store.head(key), InvalidInputError);
        await assert.rejects(store.read(key), InvalidInputError);
        await assert.rejects(store.put(key, text('x')), InvalidInputError);
        await assert.rejects(store.delete(key), InvalidInputError);
      }
      for (const prefix of ['../', 'a/../', '/', 'a//', 'a\0']) {
        await assert.rejects(keysOf(store, prefix), InvalidInputError, JSON.stringify(prefix));
      }
      assert.deepEqual(await keysOf(store, ''), []);
    });

    test('accepts a key of the greatest length', async () => {
      const key = [255, 255, 255, 254, 1].map((length) => 'x'.repeat(length)).join('/');
      assert.equal(key.length, 1024);
      await store.put(key, text('x'));
      assert.deepEqual(await keysOf(store, ''), [key]);
      await assert.rejects(store.put(`${key}y`, text('x')), InvalidInputError);
    });

    test('lets a name be a folder after it was an object, and back', async () => {
      await store.put('a', text('object'));
      await store.delete('a');
      await store.put('a/b/c', text('below'));
      await store.delete('a/b/c');
      await store.put('a', text('again'));
      assert.deepEqual(await keysOf(store, ''), ['a']);
    });

    test('survives writers and removers of one folder at once', async () => {
      const put = (key: string): Promise<unknown> =>
        store.put(key, text('x')).catch((error: unknown) => {
          if (isServersRace(error)) return put(key);
          throw error;
        });
      const work = Array.from({ length: 12 }, async (_, i) => {
        for (let round = 0; round < 5; round++) {
          await put(`shared/deep/${i}`);
          await store.delete(`shared/deep/${i}`);
        }
      });
      await Promise.all(work);
      assert.deepEqual(await keysOf(store, ''), []);
    });
  });
}
