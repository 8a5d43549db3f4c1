import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../../core/random.ts';
import { classBatches, distinct, rowsByLabel, tripletBatches } from '../../../core/training/batches.ts';
import type { Batch } from '../../../core/training/batches.ts';
import { listed, tripletsOf } from './batches.ts';

/** The batch's triplets as rows of the training pictures. */
const resolved = ({ rows, triplets }: Batch): number[][] =>
  listed(triplets as NonNullable<typeof triplets>).map((triplet) =>
    triplet.map((place) => rows[place] as number),
  );

const random = new Random(1);
const list = Array.from({ length: 50 }, () => [random.below(20), random.below(20), random.below(20)]);

describe('batches of triplets that were chosen beforehand', () => {
  it('hold every triplet once, in an order drawn anew', () => {
    const first = tripletBatches(tripletsOf(list), 8, new Random(3));
    const second = tripletBatches(tripletsOf(list), 8, new Random(4));
    const sorted = (triplets: number[][]): string[] => triplets.map((triplet) => triplet.join()).toSorted();
    assert.deepEqual(
      first.map(({ triplets }) => triplets?.anchors.length),
      [8, 8, 8, 8, 8, 8, 2],
    );
    assert.deepEqual(sorted(first.flatMap(resolved)), sorted(list));
    assert.deepEqual(sorted(second.flatMap(resolved)), sorted(list));
    assert.notDeepEqual(first.flatMap(resolved), second.flatMap(resolved));
    assert.notDeepEqual(first.flatMap(resolved), list);
  });

  it('are the same for the same state of the generator', () => {
    assert.deepEqual(
      tripletBatches(tripletsOf(list), 8, new Random(3)),
      tripletBatches(tripletsOf(list), 8, new Random(3)),
    );
  });

  it('hold each distinct picture once', () => {
    for (const { rows } of tripletBatches(tripletsOf(list), 8, new Random(3)))
      assert.equal(new Set(rows).size, rows.length);
    const { rows, triplets } = distinct(
      tripletsOf([
        [7, 9, 7],
        [9, 7, 3],
        [3, 3, 3],
      ]),
      [0, 1, 2],
    );
    assert.deepEqual(
      [...rows].toSorted((a, b) => a - b),
      [3, 7, 9],
    );
    assert.deepEqual(resolved({ rows, triplets }), [
      [7, 9, 7],
      [9, 7, 3],
      [3, 3, 3],
    ]);
  });

  it('hold only the triplets asked for, in that order', () => {
    assert.deepEqual(resolved(distinct(tripletsOf(list), [4, 2])), [list[4], list[2]]);
  });

  it('are none when there is no triplet', () => {
    assert.deepEqual(tripletBatches(tripletsOf([]), 8, new Random(1)), []);
  });
});

describe('batches of P classes with K pictures', () => {
  /** Ten classes of five, class 10 of two, classes 11 to 13 of one. */
  const labels = Int32Array.from([...Array.from({ length: 50 }, (_, i) => i % 10), 10, 10, 11, 12, 13]);
  const of = (classes: number, pictures: number, count = 40): Batch[] =>
    classBatches(labels, { classes, pictures, count }, new Random(2));
  const groups = ({ rows }: Batch): number[][] =>
    rowsByLabel(Int32Array.from(rows, (row) => labels[row] as number));

  it('have P classes with up to K different pictures each', () => {
    for (const batch of of(6, 3)) {
      const sizes = groups(batch).map(({ length }) => length);
      assert.equal(sizes.length, 6);
      assert.ok(sizes.every((size) => size === 2 || size === 3));
      assert.equal(new Set(batch.rows).size, batch.rows.length);
      assert.equal(batch.triplets, null);
    }
    assert.equal(of(6, 3).length, 40);
  });

  it('take a class whole that has fewer than K', () => {
    const sizes = new Set(of(11, 8).flatMap((batch) => groups(batch).map(({ length }) => length)));
    assert.deepEqual(sizes, new Set([5, 2]));
  });

  it('fill up with classes of one picture where there are too few others', () => {
    for (const batch of of(13, 3)) assert.equal(groups(batch).filter(({ length }) => length === 1).length, 2);
    for (const batch of of(20, 3)) assert.equal(groups(batch).length, 14);
    for (const batch of of(11, 3)) assert.ok(groups(batch).every(({ length }) => length > 1));
  });

  it('come to every picture of the classes that can be learnt', () => {
    const seen = new Set(of(6, 3).flatMap(({ rows }) => [...rows]));
    assert.equal(seen.size, 52);
  });

  it('are the same for the same state of the generator and others for another', () => {
    assert.deepEqual(of(6, 3), of(6, 3));
    assert.notDeepEqual(
      of(6, 3),
      classBatches(labels, { classes: 6, pictures: 3, count: 40 }, new Random(3)),
    );
  });

  it('group rows by their labels as they come', () => {
    assert.deepEqual(rowsByLabel(Int32Array.of(5, 2, 5, 9, 2)), [[0, 2], [1, 4], [3]]);
  });
});
