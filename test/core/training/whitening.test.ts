import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../../../core/errors.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { applyWhitening, eachWhitening, withinClassWhitening } from '../../../core/training/whitening.ts';
import type { Whiten } from '../../../core/training/whitening.ts';
import type { Whitening } from '../../../core/training/whitening.ts';
import { assertClose } from '../../support/numbers.ts';

type Matrix = number[][];

const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) =>
    (b[0] as number[]).map((_, j) =>
      row.reduce((sum, x, k) => sum + x * ((b[k] as number[])[j] as number), 0),
    ),
  );
const transpose = (a: Matrix): Matrix => (a[0] as number[]).map((_, j) => a.map((row) => row[j] as number));
const eye = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 1 : 0)));
const meanOf = (rows: Matrix): number[] =>
  (rows[0] as number[]).map((_, k) => rows.reduce((sum, row) => sum + (row[k] as number), 0) / rows.length);
const minus = (rows: Matrix, row: number[]): Matrix =>
  rows.map((each) => each.map((x, k) => x - (row[k] as number)));

/** The shrunk within-class covariance by its definition, in 64 bits. */
function covariance(rows: Matrix, labels: number[], shrinkage: number): Matrix {
  const d = (rows[0] as number[]).length;
  const residuals = rows.map((row, i) => {
    const mean = meanOf(rows.filter((_, j) => labels[j] === labels[i]));
    return row.map((x, k) => x - (mean[k] as number));
  });
  const freedom = Math.max(1, rows.length - new Set(labels).size);
  const scatter = multiply(transpose(residuals), residuals).map((row) => row.map((x) => x / freedom));
  const trace = scatter.reduce((sum, row, k) => sum + (row[k] as number), 0);
  return scatter.map((row, i) =>
    row.map((x, j) => (1 - shrinkage) * x + (i === j ? (shrinkage * trace) / d : 0)),
  );
}

/** Rows around class centres, with directions of very different spread. */
function someRows(counts: readonly number[], d: number, seed: number): { rows: Matrix; labels: number[] } {
  const random = new Random(seed);
  const draw = (): number[] => Array.from({ length: d }, (_, k) => random.normal() * (1 + (k % 4)));
  const mix = Array.from({ length: d }, draw);
  const labels = counts.flatMap((count, label) => Array.from({ length: count }, () => label * 10));
  const centres = new Map(labels.map((label) => [label, draw()]));
  const rows = labels.map((label) =>
    (multiply([draw()], mix)[0] as number[]).map(
      (x, k) => 0.3 * x + ((centres.get(label) as number[])[k] as number),
    ),
  );
  return { rows, labels };
}

function whitened(
  rows: Matrix,
  labels: number[],
  shrinkage: number,
  dimensions: number,
  seed?: number,
): Whitening & { matrix: Matrix } {
  const features = tf.tensor2d(rows);
  const { numTensors } = tf.memory();
  const options = { shrinkage, dimensions, ...(seed === undefined ? {} : { seed }) };
  const made = withinClassWhitening(features, Int32Array.from(labels), options);
  assert.equal(tf.memory().numTensors, numTensors, 'no tensor is left');
  features.dispose();
  const width = made.bias.length;
  const matrix = (rows[0] as number[]).map((_, k) => [...made.kernel.subarray(k * width, (k + 1) * width)]);
  return { ...made, matrix };
}

const cases: Record<string, { rows: Matrix; labels: number[] }> = {
  'more rows than numbers': someRows([9, 7, 8, 6], 6, 1),
  'fewer rows than numbers': someRows([4, 3, 5], 20, 2),
  'as many rows as numbers': someRows([4, 4, 4], 12, 3),
  'classes of two and of one': someRows([2, 1, 2, 1, 1, 2], 15, 4),
  'every row twice': (({ rows, labels }) => ({ rows: [...rows, ...rows], labels: [...labels, ...labels] }))(
    someRows([3, 3, 2], 14, 5),
  ),
};

describe('within-class whitening', () => {
  for (const [name, { rows, labels }] of Object.entries(cases)) {
    for (const shrinkage of [0.2, 0.9, 1]) {
      it(`makes the shrunk covariance the identity: ${name}, shrinkage ${shrinkage}`, () => {
        const d = (rows[0] as number[]).length;
        const { matrix, bias } = whitened(rows, labels, shrinkage, d);
        const product = multiply(multiply(transpose(matrix), covariance(rows, labels, shrinkage)), matrix);
        assertClose(product.flat(), eye(d).flat(), { tolerance: 1e-3, what: 'covariance after whitening' });
        assertClose(matrix.flat(), transpose(matrix).flat(), { tolerance: 1e-4, what: 'symmetry' });
        const moved = multiply([meanOf(rows)], matrix)[0] as number[];
        assertClose(
          bias,
          moved.map((x) => -x),
          { tolerance: 1e-3, what: 'bias' },
        );
      });
    }

    it(`keeps inner products with training pictures in fewer numbers: ${name}`, () => {
      const d = (rows[0] as number[]).length;
      const { rows: queries } = someRows([3, 3], d, 8);
      const kept = Math.min(d - 1, rows.length);
      if (kept < new Set(rows.map((row) => row.join())).size - 1) return;
      const inner = (dimensions: number): number[] => {
        const { matrix } = whitened(rows, labels, 0.2, dimensions);
        const map = (each: Matrix): Matrix => multiply(minus(each, meanOf(rows)), matrix);
        return multiply(map(queries), transpose(map(rows))).flat();
      };
      const whole = inner(d);
      const scale = whole.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      assertClose(inner(kept), whole, { tolerance: 2e-3, floor: scale });
    });
  }

  it('keeps the principal directions, uncorrelated, where there is no room for all', () => {
    const { rows, labels } = someRows([12, 12, 12], 10, 6);
    const variances = (dimensions: number): { cross: Matrix; total: number } => {
      const { matrix } = whitened(rows, labels, 0.2, dimensions);
      const made = multiply(minus(rows, meanOf(rows)), matrix);
      const cross = multiply(transpose(made), made);
      return { cross, total: cross.reduce((sum, row, k) => sum + (row[k] as number), 0) };
    };
    const { cross, total } = variances(3);
    for (const [i, row] of cross.entries())
      for (const [j, x] of row.entries()) if (i !== j) assert.ok(Math.abs(x) < 1e-3 * total);
    // No three of the whitened numbers themselves, nor of randomly turned ones, hold more of the variance.
    const { matrix } = whitened(rows, labels, 0.2, 10);
    const made = multiply(minus(rows, meanOf(rows)), matrix);
    const random = new Random(1);
    for (let attempt = 0; attempt < 50; attempt++) {
      const basis: Matrix = [];
      while (basis.length < 3) {
        let drawn = Array.from({ length: 10 }, () => random.normal());
        for (const other of basis) {
          const along = other.reduce((sum, x, k) => sum + x * (drawn[k] as number), 0);
          drawn = drawn.map((x, k) => x - along * (other[k] as number));
        }
        const length = Math.hypot(...drawn);
        basis.push(drawn.map((x) => x / length));
      }
      const held = multiply(made, transpose(basis))
        .flat()
        .reduce((sum, x) => sum + x * x, 0);
      assert.ok(held <= total * 1.0001);
    }
  });

  it('tells classes apart that come later: what is left over holds a projection of everything else', () => {
    const { rows, labels } = someRows([3, 3], 40, 7);
    const a = whitened(rows, labels, 0.2, 16);
    const b = whitened(rows, labels, 0.2, 16);
    const c = whitened(rows, labels, 0.2, 16, 5);
    assert.deepEqual(a.kernel, b.kernel, 'the same seed projects alike');
    assert.notDeepEqual(a.kernel, c.kernel);
    const columns = transpose(a.matrix).map((column) => Math.hypot(...column));
    assert.ok(columns.every((length) => length > 0));
  });

  it('of one picture a class is the identity times a number', () => {
    const { rows, labels } = someRows([1, 1, 1, 1], 6, 9);
    const { matrix } = whitened(rows, labels, 0.2, 6);
    const scale = matrix[0]?.[0] as number;
    assert.ok(Number.isFinite(scale) && scale > 0);
    assertClose(
      matrix.flat(),
      eye(6)
        .flat()
        .map((x) => x * scale),
      { tolerance: 1e-5, floor: scale },
    );
  });

  it('stays finite with next to no shrinkage, rows all alike, and of zeros', () => {
    const alike = {
      rows: Array.from({ length: 6 }, () => [1, 2, 3, 4, 5, 6, 7, 8]),
      labels: [0, 0, 0, 1, 1, 1],
    };
    const zeros = { rows: alike.rows.map((row) => row.map(() => 0)), labels: alike.labels };
    for (const { rows, labels } of [someRows([4, 3, 5], 20, 2), someRows([9, 7, 8, 6], 6, 1), alike, zeros]) {
      for (const dimensions of [4, 8, 100]) {
        const { kernel, bias } = whitened(rows, labels, 1e-9, dimensions);
        assert.ok(kernel.every(Number.isFinite) && bias.every(Number.isFinite));
      }
    }
  });

  it('is applied as the network applies it: to rows of unit length', () => {
    const { rows, labels } = someRows([4, 4], 7, 3);
    const made = whitened(rows, labels, 0.2, 5);
    const expected = multiply(rows, made.matrix).map((row) =>
      row.map((x, k) => x + (made.bias[k] as number)),
    );
    tf.tidy(() => {
      const output = applyWhitening(tf.tensor2d(rows), made);
      assertClose(
        output.dataSync(),
        expected.flatMap((row) => row.map((x) => x / Math.hypot(...row))),
        { tolerance: 1e-3 },
      );
    });
  });

  for (const shrinkage of [0, -1, 1.5, NaN]) {
    it(`is refused with a shrinkage of ${shrinkage}`, () => {
      tf.tidy(() =>
        assert.throws(
          () => withinClassWhitening(tf.eye(3), Int32Array.of(0, 0, 1), { shrinkage, dimensions: 3 }),
          InvalidInputError,
        ),
      );
    });
  }
});

describe('rows whitened without the kernel', () => {
  for (const [name, dimensions] of [
    ['all numbers', 20],
    ['as few numbers as asked for', 5],
  ] as const) {
    it(`have the inner products of those whitened with it: ${name}`, () => {
      const { rows, labels } = someRows([4, 3, 5], 20, 2);
      const { rows: queries } = someRows([3, 3], 20, 8);
      const options = { shrinkage: 0.2, dimensions };
      const [known, asked] = tf.tidy(() => {
        const features = tf.tensor2d(rows);
        const whitening = withinClassWhitening(features, Int32Array.from(labels), options);
        return [applyWhitening(features, whitening), applyWhitening(tf.tensor2d(queries), whitening)];
      }) as [Tensor2D, Tensor2D];

      const knownRows = Int32Array.from(rows.keys());
      const queryRows = Int32Array.from(queries, (_, i) => rows.length + i);
      const made = eachWhitening(
        tf.tensor2d([...rows, ...queries]),
        knownRows,
        Int32Array.from(labels),
        { shrinkages: [0.2], dimensions },
        (whiten) => tf.keep(tf.matMul(whiten(queryRows), whiten(knownRows), false, true)),
      );

      const inner = ([a, b]: readonly Tensor2D[]): Float32Array =>
        tf.matMul(b as Tensor2D, a as Tensor2D, false, true).dataSync() as Float32Array;
      assertClose(made[0]?.dataSync() as Float32Array, inner([known, asked]), { tolerance: 1e-3, floor: 1 });
    });
  }
});

it('whitens rows that are too many for one block as those of a block, wherever they lie', () => {
  const { rows, labels } = someRows([900, 800, 700], 6, 5);
  const order = Int32Array.from(rows.keys());
  const whitenedWith = (offset: number, visit: (whiten: Whiten) => Tensor2D): Float32Array => {
    const features = tf.tensor2d(rows.map((row) => row.map((value) => value + offset)));
    const options = { shrinkages: [0.2], dimensions: 4 };
    const [made] = eachWhitening(features, order, Int32Array.from(labels), options, (whiten) =>
      tf.keep(visit(whiten)),
    );
    return made?.dataSync() as Float32Array;
  };
  const together = whitenedWith(0, (whiten) => whiten(order));
  const apart = whitenedWith(0, (whiten) =>
    tf.concat([0, 600, 1200, 1800].map((from) => whiten(order.subarray(from, from + 600)))),
  );
  assert.equal(together.length, rows.length * 4);
  assertClose(apart, together, { tolerance: 1e-5, floor: 1 });
  assertClose(
    whitenedWith(50, (whiten) => whiten(order)),
    together,
    { tolerance: 1e-3, floor: 1, what: 'the mean is taken away' },
  );
});

it('whitens more pictures than it looks at closely', () => {
  const { rows, labels } = someRows([1500, 900, 600], 4, 7);
  const { matrix } = whitened(rows, labels, 0.1, 4);
  const product = multiply(multiply(transpose(matrix), covariance(rows, labels, 0.1)), matrix);
  // 2,048 of 3,000 rows: their covariance is that of all to some percent.
  assertClose(product.flat(), eye(4).flat(), { tolerance: 0.15, floor: 1, what: 'covariance' });
});
