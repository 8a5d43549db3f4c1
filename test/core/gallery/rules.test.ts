import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Gallery } from '../../../core/gallery/gallery.ts';
import { K_NEAREST, RULES, createRanker, type Rule } from '../../../core/gallery/rules.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import { assertClose, normals } from '../../support/numbers.ts';
import { galleryOfRows } from './support.ts';

const WIDTH = 6;
const CLASSES = ['a', 'b', 'c', 'd'];
/** 4 classes of 1, 3, 5 and 7 rows. */
function someGallery(unit: boolean, distance: Gallery['distance'] = 'squared-euclidean'): Gallery {
  const counts = [1, 3, 5, 7];
  const numbers = normals(16 * WIDTH, 5);
  let at = 0;
  const rows = counts.flatMap((count, id) =>
    Array.from({ length: count }, (_, i): [string, number[]] => {
      const row = Array.from(numbers.slice(at, (at += WIDTH)));
      return [`${CLASSES[id]}/${i}`, unit ? scaled(row) : row];
    }),
  );
  return galleryOfRows(rows, { distance });
}
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
const scaled = (row: readonly number[]): number[] => row.map((x) => x / Math.sqrt(dot(row, row)));
const euclidean = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0);
const cosine = (a: readonly number[], b: readonly number[]): number =>
  1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const meanRow = (rows: readonly (readonly number[])[]): number[] =>
  (rows[0] ?? []).map((_, d) => mean(rows.map((row) => row[d] as number)));

/** The rules, written out. */
function naively(gallery: Gallery, unit: boolean, rule: Rule, query: readonly number[]): [string, number][] {
  const apart = gallery.distance === 'cosine' ? cosine : euclidean;
  return CLASSES.map((name): [string, number] => {
    const rows = gallery.keys.flatMap((_, row) =>
      gallery.classes[row] === name
        ? [Array.from(gallery.embeddings.slice(row * WIDTH, (row + 1) * WIDTH))]
        : [],
    );
    const each = rows.map((row) => apart(query, row)).toSorted((a, b) => a - b);
    if (rule === 'nearest') return [name, each[0] as number];
    if (rule === 'k-nearest') return [name, mean(each.slice(0, K_NEAREST))];
    if (gallery.distance === 'cosine') return [name, apart(query, meanRow(rows.map(scaled)))];
    return [name, apart(query, unit ? scaled(meanRow(rows)) : meanRow(rows))];
  }).toSorted(([, a], [, b]) => a - b);
}

describe('a decision rule', () => {
  for (const rule of RULES) {
    for (const [name, unit, distance] of [
      ['embeddings of any length', false, 'squared-euclidean'],
      ['embeddings of unit length', true, 'squared-euclidean'],
      ['cosine distances', false, 'cosine'],
    ] as const) {
      it(`${rule} ranks the classes as written out: ${name}`, () => {
        const gallery = someGallery(unit, distance);
        const rank = createRanker(createSearch(gallery), rule);
        for (let q = 0; q < 5; q++) {
          const query = [...normals(WIDTH, 50 + q)];
          const ranked = rank(Float32Array.from(query));
          const expected = naively(gallery, unit, rule, [...Float32Array.from(query)]);
          assert.deepEqual(
            ranked.map((one) => one.class),
            expected.map(([each]) => each),
          );
          assertClose(
            ranked.map((one) => one.distance),
            expected.map(([, far]) => far),
            { tolerance: 1e-4 },
          );
          assert.deepEqual(rank(Float32Array.from(query), 2), ranked.slice(0, 2));
        }
      });
    }

    it(`${rule} puts a class that holds the very picture at distance 0, and names that picture`, () => {
      const gallery = someGallery(true);
      const [first] = createRanker(createSearch(gallery), rule)(gallery.embeddings.slice(-WIDTH));
      assert.deepEqual(first, { class: 'd', distance: 0, key: 'd/6' });
    });
  }

  it('class-mean measures to nothing in particular when the pictures of a class cancel out', () => {
    const gallery = galleryOfRows([
      ['odd/1', [1, 0]],
      ['odd/2', [-1, 0]],
      ['north/1', [0, 1]],
    ]);
    const ranked = createRanker(createSearch(gallery), 'class-mean')(Float32Array.of(0.6, 0.8));
    assert.deepEqual(
      ranked.map((one) => one.class),
      ['north', 'odd'],
    );
    assertClose([ranked[1]?.distance ?? NaN], [1]);
  });
});
