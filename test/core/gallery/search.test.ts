import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import type { Gallery, GalleryDistance } from '../../../core/gallery/gallery.ts';
import { embeddingAt } from '../../../core/gallery/gallery.ts';
import type { Estimates } from '../../../core/gallery/candidates.ts';
import { plainKernel } from '../../../core/gallery/kernel.ts';
import type { Kernel } from '../../../core/gallery/kernel.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import { Random } from '../../../core/random.ts';
import { galleryOfRows, onCircle } from './support.ts';

/** The definition, number by number. */
function naiveDistance(a: ArrayLike<number>, b: ArrayLike<number>, distance: GalleryDistance): number {
  let [squares, product, aa, bb] = [0, 0, 0, 0];
  for (let d = 0; d < a.length; d++) {
    const [x, y] = [a[d] ?? 0, b[d] ?? 0];
    squares += (x - y) ** 2;
    product += x * y;
    aa += x * x;
    bb += y * y;
  }
  return distance === 'cosine' ? 1 - product / Math.sqrt(aa * bb) : squares;
}

/** All rows, sorted by distance and then by key. */
function naiveRanking(
  query: Float32Array,
  gallery: Gallery,
): { key: string; class: string; distance: number }[] {
  return gallery.keys
    .map((key, row) => ({
      key,
      class: gallery.classes[row] ?? '',
      distance: naiveDistance(query, embeddingAt(gallery, row), gallery.distance),
    }))
    .sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1));
}

function randomGallery(rows: number, dimensions: number, distance: GalleryDistance, random: Random): Gallery {
  return galleryOfRows(
    Array.from({ length: rows }, (_, i) => [
      `class ${random.below(7)}/${i}`,
      Array.from({ length: dimensions }, () => random.normal()),
    ]),
    { distance },
  );
}

/** Rows that lie close together, copies and rows of zeros among them, in classes of all sizes. */
function crowded(distance: GalleryDistance, spread: number, random: Random): Gallery {
  const centres = Array.from({ length: 5 }, () => Array.from({ length: 40 }, () => random.normal()));
  const rows: [string, number[]][] = [];
  for (let i = 0; i < 400; i++) {
    const key = `class ${Math.floor(random.float() ** 2 * 40)}/${i}`;
    const copied = random.below(4) === 0 ? rows[random.below(Math.max(1, i))] : undefined;
    const centre = centres[random.below(5)] ?? [];
    const own = centre.map((value) => value * Math.min(spread, 1e18) + spread * 1e-3 * random.normal());
    rows.push([key, copied?.[1] ?? (random.below(50) === 0 ? own.map(() => 0) : own)]);
  }
  return galleryOfRows(rows, { distance });
}

/** As wrong as they may be, one way or the other. */
function estimates(gallery: Gallery, query: Float32Array, error: number, random: Random): Estimates {
  const exact = Float64Array.from(gallery.keys, (_, row) =>
    query.reduce((sum, value, d) => sum + value * (embeddingAt(gallery, row)[d] ?? 0), 0),
  );
  const errors = exact.map(() => error * random.float());
  const products = exact.map((value, row) => value + (random.float() * 2 - 1) * (errors[row] ?? 0));
  return {
    rows: products.length,
    product: (row) => products[row] ?? Number.NaN,
    error: (row) => errors[row] ?? Number.NaN,
    largestError: Math.max(...errors),
  };
}

describe('search', () => {
  it('puts a picture at distance 0 of itself, however its embedding was rounded, and no other picture', () => {
    const random = new Random(5);
    const known = Float32Array.from({ length: 512 }, () => random.normal());
    const rounded = known.map((value) => value * (1 + (random.float() - 0.5) * 1e-6));
    const similar = known.map((value) => value * (1 + (random.float() - 0.5) * 1e-3));
    for (const distance of ['squared-euclidean', 'cosine'] as const) {
      const search = createSearch({ ...galleryOfRows([['a/1', [...known]]]), distance });
      assert.equal(search.nearest(rounded, 1)[0]?.distance, 0);
      assert.notEqual(search.nearest(similar, 1)[0]?.distance, 0);
    }
  });

  for (const distance of ['squared-euclidean', 'cosine'] as const) {
    for (const [rows, dimensions] of [
      [1, 1],
      [6, 3],
      [37, 5],
      [203, 2049],
    ] as const) {
      it(`by ${distance} finds in ${rows} x ${dimensions} what trying all pairs finds`, () => {
        const random = new Random(rows);
        const gallery = randomGallery(rows, dimensions, distance, random);
        const search = createSearch(gallery);
        for (let round = 0; round < 3; round++) {
          const query = Float32Array.from({ length: dimensions }, () => random.normal());
          const expected = naiveRanking(query, gallery);
          const found = search.nearest(query, 10);
          assert.deepEqual(
            found.map(({ key }) => key),
            expected.slice(0, 10).map(({ key }) => key),
          );
          for (const [i, { distance: got }] of found.entries()) {
            assert.ok(Math.abs(got - (expected[i]?.distance ?? 0)) < 1e-9 * dimensions);
          }
          const firstOfClass = expected.filter(
            (one, i) => expected.findIndex((e) => e.class === one.class) === i,
          );
          const perClass = search.nearestPerClass(query).map(({ key }) => key);
          assert.deepEqual(
            perClass,
            firstOfClass.map(({ key }) => key),
          );
        }
      });
    }

    it(`by ${distance} finds every row at distance exactly 0 from itself`, () => {
      const gallery = randomGallery(50, 33, distance, new Random(3));
      const search = createSearch(gallery);
      for (const [row, key] of gallery.keys.entries()) {
        const [nearest] = search.nearest(embeddingAt(gallery, row), 1);
        assert.deepEqual([nearest?.key, nearest?.distance], [key, 0]);
      }
    });

    it(`by ${distance} gives many queries the same distances as one at a time`, () => {
      const random = new Random(4);
      const gallery = randomGallery(29, 1000, distance, random);
      const search = createSearch(gallery);
      const queries = Float32Array.from({ length: 19 * 1000 }, () => random.normal());
      const seen: number[] = [];
      search.forEach(queries, (query, distances) => {
        seen.push(query);
        assert.deepEqual(distances, search.distances(queries.subarray(query * 1000, (query + 1) * 1000)));
      });
      assert.deepEqual(
        seen,
        Array.from({ length: 19 }, (_, i) => i),
      );
    });
  }

  for (const distance of ['squared-euclidean', 'cosine'] as const) {
    it(`by ${distance} finds the same with estimates of products as without, however many classes are asked for`, () => {
      const random = new Random(6);
      for (const spread of [1, 1e-4, 1e-7, 1e18]) {
        const gallery = crowded(distance, spread, random);
        const search = createSearch(gallery);
        for (let round = 0; round < 20; round++) {
          const like = embeddingAt(gallery, random.below(gallery.keys.length));
          const query = like.map((value) => value + (round % 4) * 1e-5 * spread * random.normal());
          const about = estimates(gallery, query, [1e-3, 0.1, 10][round % 3] ?? 0, random);
          for (const top of [1, 2, 5, 30, Infinity]) {
            const expected = search.nearestPerClass(query, top);
            assert.deepEqual(search.nearestPerClass(query, top, about), expected);
          }
        }
      }
    });
  }

  it('looks at few rows when it has estimates', () => {
    const random = new Random(7);
    const gallery = randomGallery(5000, 64, 'squared-euclidean', random);
    let looked = 0;
    const counting: Kernel = {
      ...plainKernel,
      squaredDistances(a, b, dimensions, out) {
        looked += b.length / dimensions;
        plainKernel.squaredDistances(a, b, dimensions, out);
      },
    };
    const query = Float32Array.from({ length: 64 }, () => random.normal());

    createSearch(gallery, counting).nearestPerClass(query, 3, estimates(gallery, query, 0.01, random));

    assert.ok(looked < 20, `${looked} rows`);
  });

  it('refuses estimates of another number of rows', () => {
    const search = createSearch(galleryOfRows([['a/1', [1]]]));
    assert.throws(
      () =>
        search.nearestPerClass(Float32Array.of(1), 1, {
          rows: 2,
          product: () => 0,
          error: () => 0,
          largestError: 0,
        }),
      InvalidInputError,
    );
  });

  it('orders equal distances by key, whatever the order of the rows', () => {
    const rows = ['b/2', 'a/3', 'c/1', 'a/1', 'b/1', 'a/2'].map((key): [string, number[]] => [
      key,
      onCircle(40),
    ]);
    const random = new Random(2);
    for (let round = 0; round < 10; round++) {
      const search = createSearch(galleryOfRows(random.shuffle([...rows])));
      const query = Float32Array.from(onCircle(0));
      assert.deepEqual(
        search.nearest(query, 4).map(({ key }) => key),
        ['a/1', 'a/2', 'a/3', 'b/1'],
      );
      assert.deepEqual(
        search.nearestPerClass(query).map(({ key }) => key),
        ['a/1', 'b/1', 'c/1'],
      );
    }
  });

  it('measures points of the unit circle by chord and by angle', () => {
    const rows = [0, 60, 90, 180].map((degrees): [string, number[]] => [`a/${degrees}`, onCircle(degrees)]);
    const query = Float32Array.from(onCircle(0));
    const round = (values: Float64Array): number[] => Array.from(values, (value) => Number(value.toFixed(6)));
    assert.deepEqual(round(createSearch(galleryOfRows(rows)).distances(query)), [0, 1, 2, 4]);
    assert.deepEqual(
      round(createSearch(galleryOfRows(rows, { distance: 'cosine' })).distances(query)),
      [0, 0.5, 1, 2],
    );
  });

  it('puts a vector without direction at cosine distance 1 from everything', () => {
    const search = createSearch(
      galleryOfRows(
        [
          ['a/0', [0, 0]],
          ['a/1', [1, 0]],
        ],
        { distance: 'cosine' },
      ),
    );
    assert.deepEqual([...search.distances(Float32Array.of(0, 0))], [1, 1]);
    assert.deepEqual([...search.distances(Float32Array.of(2, 0))], [1, 0]);
  });

  it('names at most `top` classes, and all rows when fewer than k exist', () => {
    const search = createSearch(
      galleryOfRows([
        ['a/1', [1]],
        ['b/1', [2]],
        ['c/1', [3]],
      ]),
    );
    assert.deepEqual(
      search.nearestPerClass(Float32Array.of(3.2), 2).map((one) => one.class),
      ['c', 'b'],
    );
    assert.equal(search.nearest(Float32Array.of(0), 99).length, 3);
  });

  it('finds nothing in an empty gallery', () => {
    const search = createSearch(galleryOfRows([], { dimensions: 2 }));
    assert.deepEqual(search.nearest(Float32Array.of(1, 2), 3), []);
    assert.deepEqual(search.nearestPerClass(Float32Array.of(1, 2)), []);
  });

  it('works through blocks that no kernel call exceeds', () => {
    let most = 0;
    const counting: Kernel = {
      products: () => assert.fail('not asked for'),
      squaredDistances: (a, b, dimensions, out) => {
        const [n, m] = [a.length / dimensions, b.length / dimensions];
        most = Math.max(most, n * m);
        for (let i = 0; i < n * m; i++) {
          out[i] = Math.abs((a[Math.floor(i / m) * dimensions] ?? 0) - (b[(i % m) * dimensions] ?? 0));
        }
      },
    };
    const gallery = galleryOfRows(
      Array.from({ length: 1000 }, (_, i) => [`a/${i}`, [i, ...Array<number>(1023).fill(0)]]),
    );
    const search = createSearch(gallery, counting);
    const query = new Float32Array(1024).fill(700, 0, 1);
    assert.equal(search.nearest(query, 1)[0]?.key, 'a/700');
    assert.equal(most, 256);
  });

  it('refuses queries of another dimension, numbers that are not finite, and counts below 1', () => {
    const search = createSearch(galleryOfRows([['a/1', [1, 2]]]));
    assert.throws(() => search.nearest(Float32Array.of(1), 1), InvalidInputError);
    assert.throws(() => search.forEach(Float32Array.of(1, 2, 3), () => undefined), InvalidInputError);
    assert.throws(() => search.distances(Float32Array.of(1, Number.NaN)), InvalidInputError);
    for (const k of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => search.nearest(Float32Array.of(1, 2), k), InvalidInputError);
      assert.throws(() => search.nearestPerClass(Float32Array.of(1, 2), k), InvalidInputError);
    }
  });
});
