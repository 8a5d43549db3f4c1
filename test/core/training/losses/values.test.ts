import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../../../core/random.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { distanceMatrix, distances } from '../../../../core/training/distances/index.ts';
import { createLoss, losses } from '../../../../core/training/losses/index.ts';
import { miners } from '../../../../core/training/miners/index.ts';
import { cloud, drawnLabels } from '../batches.ts';
import { allTriplets, batches, type Case, cases, evaluate, far, references } from './cases.ts';
import type * as naive from './naive.ts';

/** Central differences of the naive loss. */
function numericGradient(expected: Case['expected'], batch: naive.NaiveBatch): number[] {
  const step = 1e-6;
  const shifted = (row: number, column: number, by: number): number => {
    const rows = batch.rows.map((values, i) =>
      values.map((x, k) => (i === row && k === column ? x + by : x)),
    );
    return expected({ ...batch, rows }).loss;
  };
  return batch.rows.flatMap((values, row) =>
    values.map((_, column) => (shifted(row, column, step) - shifted(row, column, -step)) / (2 * step)),
  );
}

function assertNear(actual: number, expected: number, scale: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-4 * scale, `${what} is ${actual}, not ${expected}`);
}

describe('every loss with every distance', () => {
  it('has a reference of its own', () => {
    assert.deepEqual(Object.keys(references).toSorted(), Object.keys(losses).toSorted());
  });

  for (const one of cases) {
    for (const [kind, batch] of Object.entries(batches())) {
      it(`has the value and gradient of its formula: ${one.title}, ${kind}`, () => {
        const inDouble = {
          ...batch,
          far: far[one.distance.name as keyof typeof far],
        };
        const expected = one.expected(inDouble);
        const slope = numericGradient(one.expected, inDouble);

        const actual = evaluate(one, batch);

        assertNear(actual.loss, expected.loss, Math.max(1, expected.loss), 'the loss');
        assertNear(actual.active, expected.active, 1, 'the active share');
        const scale = Math.max(1, ...slope.map(Math.abs));
        for (const [i, value] of slope.entries())
          assertNear(actual.gradient[i] as number, value, scale, `gradient ${i}`);
      });
    }
  }

  it('goes down when embeddings follow its gradient', () => {
    const labels = drawnLabels(12, 3, 41);
    for (const { loss, distance, title } of cases) {
      const rows = cloud(12, 4, 42);
      const triplets = allTriplets(rows, labels);
      const first = evaluate({ loss, distance }, { rows, labels, triplets });
      const length = Math.hypot(...first.gradient);
      const stepped = rows.map((row, i) =>
        row.map((x, k) => x - (0.01 * (first.gradient[4 * i + k] as number)) / length),
      );

      const second = evaluate({ loss, distance }, { rows: stepped, labels, triplets });

      assert.ok(second.loss < first.loss, `${title}: ${first.loss} became ${second.loss}`);
    }
  });
});

describe('the triplet loss', () => {
  it("is the seed's at its margin: the sum over the mined triplets", () => {
    const embeddings = tf.tensor2d([
      [0, 0],
      [1, 0],
      [0, 1],
      [3, 0],
    ]);
    const labels = Int32Array.of(0, 0, 1, 1);
    const distance = distances['squared-euclidean'];
    const triplets = miners['batch-hard']
      .create()
      .mine(distanceMatrix(distance, embeddings), labels, new Random(1));

    const { loss, active } = createLoss('triplet', { reduction: 'sum' }).value({
      embeddings,
      labels,
      triplets,
      distance,
    });

    // By hand: (0,1,2) 1 - 1 + .5, (1,0,2) 1 - 2 + .5 < 0, (2,3,0) 10 - 1 + .5, (3,2,1) 10 - 4 + .5.
    assert.equal(loss.dataSync()[0], 16.5);
    assert.equal(active, 0.75);
  });
});
