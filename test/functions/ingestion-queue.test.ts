import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GalleryContents } from '../../core/gallery/contents.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { compareListing } from '../../functions/ingestion/listing.ts';
import type { CompareOptions, Difference, States } from '../../functions/ingestion/listing.ts';
import { IngestQueue } from '../../functions/ingestion/queue.ts';

const { signal } = new AbortController();

describe('a dataset that is listed again and again', () => {
  const store = memoryStore();
  const put = async (path: string, content = path): Promise<unknown> =>
    store.put(`datasets/wear/${path}`, new TextEncoder().encode(content));
  const gallery = (...paths: string[]): GalleryContents => {
    const images = paths.map((key) => ({ key, sha256: 'a'.repeat(64) }));
    return new GalleryContents({ dataset: 'wear', position: null, images });
  };
  let known: States = new Set();
  const compare = async (options: Partial<CompareOptions>): Promise<Difference> => {
    const usual = { dataset: 'wear', contents: gallery(), known, byName: false, most: 10, signal };
    return compareListing(openRegistry(store), { ...usual, ...options });
  };
  /** All paths that differ, which count as reconciled from then on. */
  const look = async (options: Partial<CompareOptions> = {}): Promise<readonly string[]> => {
    const { paths, states } = await compare(options);
    known = states(() => true);
    return paths;
  };

  it('differs in what is new or has another content', async () => {
    await put('hat/1');
    await put('hat/2');
    assert.deepEqual(await look(), ['hat/1', 'hat/2']);
    assert.deepEqual(await look(), []);

    await put('hat/1', 'other');
    await put('cap/1');
    await put('.hidden/1');
    assert.deepEqual(await look(), ['cap/1', 'hat/1']);
    assert.deepEqual(await look(), []);
  });

  it('differs in what the gallery has and it has not, and, by name, in what the gallery lacks', async () => {
    const contents = gallery('cap/1', 'hat/1', 'hat/9');
    assert.deepEqual(await look({ contents }), ['hat/9']);
    assert.deepEqual(await look({ contents, byName: true }), ['hat/9', 'hat/2']);
  });

  it('differs in no more than was asked for; the rest, and what was not reconciled, the next time', async () => {
    for (const n of [5, 6, 7]) await put(`hat/${n}`);

    const { paths, isMore, states } = await compare({ most: 2 });
    known = states((path) => path === 'hat/6');

    assert.deepEqual([paths, isMore], [['hat/5', 'hat/6'], true]);
    assert.deepEqual(await look({ most: 2 }), ['hat/5', 'hat/7']);
    assert.deepEqual(await look({ most: 2 }), []);
  });

  it('differs in nothing when it is empty', async () => {
    const other = { dataset: 'gone', contents: gallery('hat/1') };
    assert.deepEqual((await compare(other)).paths, []);
  });

  it('is listed no further once the server ends', async () => {
    await assert.rejects(compare({ signal: AbortSignal.abort() }), { code: 'cancelled' });
  });
});

describe('images that wait to be ingested', () => {
  it('wait once each, in bounded number', () => {
    const queue = new IngestQueue(2);

    assert.deepEqual(
      ['a', 'a', 'b', 'c'].map((key) => queue.put(key)),
      [true, true, true, false],
    );

    assert.equal(queue.size, 2);
    assert.deepEqual(
      queue.take(5).map(({ key }) => key),
      ['a', 'b'],
    );
  });

  it('are tried again later, one by one, and given up at last', () => {
    const queue = new IngestQueue(5);
    const failed = { key: 'a', attempts: 0, notBefore: 0 };

    assert.deepEqual(
      queue.putBack([failed, { ...failed, key: 'b', attempts: 7 }]).map(({ key }) => key),
      ['b'],
    );

    assert.equal(queue.size, 1);
    assert.deepEqual(queue.take(5), [], 'not before its time');
    assert.ok((queue.waitMs() ?? 0) > 0);
  });
});
