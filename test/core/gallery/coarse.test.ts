import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openCoarse } from '../../../core/gallery/coarse.ts';
import { embeddingAt } from '../../../core/gallery/gallery.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import { Random } from '../../../core/random.ts';
import { galleryOfRows } from './support.ts';

/** Rows of very different lengths and shapes, copies and zeros among them. */
function rowsOf(random: Random, dimensions: number): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < 300; i++) {
    const scale = 10 ** (random.below(9) - 4);
    const kinds = [
      () => scale * random.normal(),
      () => (random.below(10) === 0 ? scale : 0),
      () => 0,
      () => scale * (1 + 1e-6 * random.normal()),
    ];
    const kind = kinds[random.below(kinds.length)] ?? (() => 0);
    const copied = random.below(5) === 0 ? rows[random.below(i + 1)] : undefined;
    rows.push(copied ?? Array.from({ length: dimensions }, kind));
  }
  return rows;
}

describe('a gallery in whole numbers', () => {
  for (const distance of ['squared-euclidean', 'cosine'] as const) {
    for (const dimensions of [1, 31, 256]) {
      it(`of ${dimensions} dimensions gives products as near as it says, and the same by ${distance}`, async () => {
        const random = new Random(dimensions);
        const rows = rowsOf(random, dimensions);
        const gallery = galleryOfRows(
          rows.map((row, i) => [`class ${i % 23}/${i}`, row]),
          { distance },
        );
        const search = createSearch(gallery);
        const coarse = await openCoarse(gallery);
        const queries = [
          ...[1, 50, 100, 299].map((row) => embeddingAt(gallery, row)),
          ...[1e-5, 1, 1e5].map((scale) =>
            Float32Array.from({ length: dimensions }, () => scale * random.normal()),
          ),
          new Float32Array(dimensions),
        ];
        for (const query of queries) {
          const estimates = await coarse.estimates(query);

          for (let row = 0; row < rows.length; row++) {
            const exact = query.reduce(
              (sum, value, d) => sum + value * (embeddingAt(gallery, row)[d] ?? 0),
              0,
            );
            const [product, error] = [estimates.product(row), estimates.error(row)];
            assert.ok(error <= estimates.largestError);
            const rounding = 1e-12 * Math.hypot(...query) * Math.hypot(...embeddingAt(gallery, row));
            assert.ok(
              Math.abs(product - exact) <= error + rounding,
              `${product} is not ${exact} within ${error}`,
            );
          }
          for (const top of [1, 5, Infinity]) {
            assert.deepEqual(
              search.nearestPerClass(query, top, estimates),
              search.nearestPerClass(query, top),
            );
          }
        }
        coarse.close();
      });
    }
  }

  it('is near enough that few rows are left to be looked at', async () => {
    const random = new Random(9);
    const row = (): number[] => Array.from({ length: 256 }, () => random.normal() / 16);
    const gallery = galleryOfRows(Array.from({ length: 500 }, (_, i) => [`class ${i % 50}/${i}`, row()]));
    const coarse = await openCoarse(gallery);

    const { largestError } = await coarse.estimates(Float32Array.from(row()));

    assert.ok(largestError < 0.03);
    coarse.close();
  });
});
