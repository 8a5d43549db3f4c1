import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import { writeGallery } from '../../../core/gallery/arrow.ts';
import {
  type Addition,
  applySegments,
  createSegment,
  type Segment,
  type SegmentEntry,
} from '../../../core/gallery/segments.ts';
import { Random } from '../../../core/random.ts';
import { galleryOfRows, rowsOf, sha256Of } from './support.ts';

const base = galleryOfRows([
  ['a/1', [1, 0]],
  ['a/2', [2, 0]],
  ['b/1', [3, 0]],
]);

function id(n: number): string {
  return `01ARZ3NDEKTSV4RRFFQ69G5F${String(n).padStart(2, '0')}`;
}

function add(key: string, x: number, picture = key): Addition {
  return {
    op: 'add',
    key,
    class: key.split('/')[0] ?? '',
    sha256: sha256Of(picture),
    embedding: Float32Array.of(x, 0),
  };
}

function remove(key: string): SegmentEntry {
  return { op: 'remove', key };
}

function contentOf(segments: readonly Segment[]): Record<string, number | undefined> {
  return Object.fromEntries(rowsOf(applySegments(base, segments)).map(([key, , , [x]]) => [key, x]));
}

describe('segments', () => {
  it('add pictures, put the same picture anew, and remove pictures by key', () => {
    const segment = createSegment(base, [add('c/1', 9), add('a/1', 8), remove('b/1')], id(1));
    assert.deepEqual(contentOf([segment]), { 'a/1': 8, 'a/2': 2, 'c/1': 9 });
  });

  it('apply in the order of their ULIDs, whatever order they come in', () => {
    const earlier = createSegment(base, [add('c/1', 1), remove('a/1')], id(1));
    const later = createSegment(base, [add('c/1', 2), add('a/1', 7)], id(2));
    const expected = { 'a/1': 7, 'a/2': 2, 'b/1': 3, 'c/1': 2 };
    assert.deepEqual(contentOf([earlier, later]), expected);
    assert.deepEqual(contentOf([later, earlier]), expected);
  });

  it('written at once that add different pictures under one key lose none', () => {
    const segments = [
      createSegment(base, [add('c/1.jpg', 1, 'first')], id(1)),
      createSegment(base, [add('c/1.jpg', 2, 'second'), add('c/x', 4, 'first')], id(2)),
      createSegment(base, [add('c/1.jpg', 2, 'second'), add('c/x', 5, 'second')], id(3)),
    ];
    const second = sha256Of('second').slice(0, 8);
    const expected = {
      'a/1': 1,
      'a/2': 2,
      'b/1': 3,
      'c/1.jpg': 1,
      [`c/1 (${second}).jpg`]: 2,
      'c/x': 4,
      [`c/x (${second})`]: 5,
    };
    assert.deepEqual(contentOf(segments), expected);
    assert.deepEqual(contentOf([...segments].reverse()), expected);
  });

  it('keep apart even pictures whose checksums begin alike', () => {
    const [one, two] = ['e', 'f'].map((last) => `${'0'.repeat(63)}${last}`) as [string, string];
    const entries = ['0'.repeat(64), one, two].map((sha256, x) => ({ ...add('c/1.jpg', x), sha256 }));
    assert.deepEqual(
      rowsOf(applySegments(galleryOfRows([['a/1', [1, 0]]]), [createSegment(base, entries, id(1))])).map(
        ([key, , sha256]) => [key, sha256],
      ),
      [
        ['a/1', sha256Of('a/1')],
        ['c/1 (00000000) (00000000).jpg', two],
        ['c/1 (00000000).jpg', one],
        ['c/1.jpg', '0'.repeat(64)],
      ],
    );
  });

  it('that say the one class of a picture count in their order, whatever their writers knew of each other', () => {
    const place = (key: string, picture: string): SegmentEntry => ({ ...add(key, 9, picture), alone: true });
    const [first, second] = [place('b/x', 'a/1'), place('c/x', 'a/1')];
    const rest = { 'a/2': 2, 'b/1': 3 };
    for (const [one, other, expected] of [
      [first, second, { ...rest, 'c/x': 9 }],
      [second, first, { ...rest, 'b/x': 9 }],
      [first, add('d/x', 9, 'a/1'), { ...rest, 'b/x': 9, 'd/x': 9 }],
      [add('d/x', 9, 'a/1'), first, { ...rest, 'b/x': 9 }],
      [first, place('a/x', 'a/1'), { ...rest, 'a/x': 9 }],
      [first, remove('b/x'), rest],
      [first, place('b/y', 'a/1'), { ...rest, 'b/x': 9 }],
      // It is there under that class already, and stays under its key.
      [add('d/x', 9, 'a/1'), place('a/x', 'a/1'), { ...rest, 'a/1': 1 }],
    ] as const) {
      const segments = [createSegment(base, [one], id(1)), createSegment(base, [other], id(2))];
      assert.deepEqual(contentOf(segments), expected);
      assert.deepEqual(contentOf([...segments].reverse()), expected);
    }
  });

  it('that follow a data set add nothing to a picture that somebody has said the one class of, until it goes', () => {
    const said: SegmentEntry = { ...add('b/x', 9, 'a/1'), alone: true };
    const seen: SegmentEntry = { op: 'seen', key: 'datasets/wear/d/x', sha256: sha256Of('a/1') };
    const follows = [add('d/x', 9, 'a/1'), seen];
    const renames = [remove('b/x'), add('e/x', 9, 'a/1')];
    const rest = { 'a/2': 2, 'b/1': 3 };
    for (const [changes, expected] of [
      [[[said], follows], { ...rest, 'b/x': 9 }],
      [[follows, [said]], { ...rest, 'b/x': 9 }],
      [[[said], renames, follows], { ...rest, 'e/x': 9 }],
      [[[said], [remove('b/x')], follows], { ...rest, 'd/x': 9 }],
      // Where it was already, it counts as said from then on.
      [[[{ ...said, key: 'a/x', class: 'a' }], follows], { ...rest, 'a/1': 1 }],
    ] as const) {
      const segments = changes.map((entries, n) => createSegment(base, [...entries], id(n)));
      assert.deepEqual(contentOf(segments), expected);
      assert.deepEqual(contentOf([...segments].reverse()), expected);
    }
  });

  it('replace a picture by removing its key first', () => {
    const segment = createSegment(base, [remove('a/1'), add('a/1', 8, 'another')], id(1));
    assert.deepEqual(contentOf([segment]), { 'a/1': 8, 'a/2': 2, 'b/1': 3 });
  });

  it('that remove what is not there change nothing', () => {
    const segment = createSegment(base, [remove('x/1')], id(1));
    assert.deepEqual(rowsOf(applySegments(base, [segment])), rowsOf(base));
  });

  it('leave the gallery that they are applied to as it was', async () => {
    const before = await writeGallery(base);
    applySegments(base, [createSegment(base, [remove('a/1'), add('b/1', 5)], id(1))]);
    assert.deepEqual(await writeGallery(base), before);
  });

  it('give the same bytes as a gallery made at once, sorted by class and key', async () => {
    const segments = [
      createSegment(base, [add('b c/1', 5), add('a/0', 4), remove('b/1')], id(1)),
      createSegment(base, [add('b/1', 3)], id(2)),
    ];
    const atOnce = galleryOfRows([
      ['a/0', [4, 0]],
      ['a/1', [1, 0]],
      ['a/2', [2, 0]],
      ['b/1', [3, 0]],
      ['b c/1', [5, 0]],
    ]);
    assert.deepEqual(await writeGallery(applySegments(base, segments)), await writeGallery(atOnce));
  });

  it('end as a plain map of the same changes does, for random changes', () => {
    const random = new Random(11);
    for (let round = 0; round < 50; round++) {
      const expected = new Map<string, number>(rowsOf(base).map(([key, , , [x]]) => [key, x ?? 0]));
      const segments = Array.from({ length: 5 }, (_, n) => {
        const entries = Array.from({ length: 6 }, () => {
          const key = `${'abc'[random.below(3)]}/${random.below(4)}`;
          const x = random.below(100);
          if (random.below(3) === 0) {
            expected.delete(key);
            return remove(key);
          }
          expected.set(key, x);
          return add(key, x);
        });
        return createSegment(base, entries, id(n));
      });
      assert.deepEqual(contentOf(random.shuffle(segments)), Object.fromEntries(expected));
    }
  });

  it('made one after the other in one process have rising names', () => {
    const ids = Array.from({ length: 200 }, () => createSegment(base, []).id);
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  it('of another embedder, distance or dimension are refused', () => {
    const bound = galleryOfRows([['a/1', [1, 0]]], { embedder: { model: 'm', version: '2' } });
    const others = [
      galleryOfRows([['a/1', [1, 0]]], { embedder: { model: 'm', version: '1' } }),
      galleryOfRows([['a/1', [1, 0]]], { embedder: { model: 'n', version: '2' } }),
      galleryOfRows([['a/1', [1, 0]]]),
      galleryOfRows([['a/1', [1, 0, 0]]], { embedder: { model: 'm', version: '2' } }),
      galleryOfRows([['a/1', [1, 0]]], { embedder: { model: 'm', version: '2' }, distance: 'cosine' }),
    ];
    for (const other of others) {
      assert.throws(
        () => applySegments(bound, [createSegment(other, [])]),
        (error) =>
          error instanceof InvalidInputError && error.message.includes('model m, version 2 (2 dimensions'),
      );
    }
  });

  it('with the same ULID twice are refused', () => {
    assert.throws(
      () => contentOf([createSegment(base, [], id(1)), createSegment(base, [], id(1))]),
      InvalidInputError,
    );
  });

  it('with a wrong entry are refused', () => {
    const wrong: SegmentEntry[] = [
      remove('no-class'),
      remove('/1'),
      { op: 'add', key: 'a/1', class: 'b', sha256: sha256Of('1'), embedding: Float32Array.of(1, 2) },
      { op: 'add', key: 'a/1', class: 'a', sha256: '', embedding: Float32Array.of(1, 2) },
      { op: 'add', key: 'a/1', class: 'a', sha256: sha256Of('1'), embedding: Float32Array.of(1) },
      { op: 'add', key: 'a/1', class: 'a', sha256: sha256Of('1'), embedding: Float32Array.of(1, Number.NaN) },
    ];
    for (const entry of wrong) assert.throws(() => createSegment(base, [entry]), InvalidInputError);
  });
});
