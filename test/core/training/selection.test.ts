import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { judgeKept, keepForSelection } from '../../../core/training/selection.ts';
import { applyWhitening, withinClassWhitening } from '../../../core/training/whitening.ts';
import { assertClose, normals } from '../../support/numbers.ts';

/** Classes of 8, 5, 4, 3, 2 and 1 pictures. */
const labels = Int32Array.from(
  [8, 5, 4, 3, 2, 1].flatMap((count, label) => Array.from({ length: count }, () => 7 * label)),
);
const countOf = (rows: Int32Array, label: number): number =>
  rows.filter((row) => labels[row] === label).length;
const numbersOf = (rows: readonly Int32Array[]): number[] =>
  rows.flatMap((each) => [...each]).toSorted((a, b) => a - b);
const options = { shrinkage: 0.2, dimensions: 6 };

/** Rows of ten numbers, their class in one of them. */
const features = (spread: number) =>
  tf.tensor2d(
    normals(labels.length * 10, 3).map(
      (x, i) => x + (i % 10 === (labels[Math.floor(i / 10)] as number) / 7 ? spread : 0),
    ),
    [labels.length, 10],
  );

describe('pictures kept to choose the epoch on', () => {
  it('are a share of every class that leaves two to train on', () => {
    const { trained, kept } = keepForSelection(labels, 0.25, new Random(1));
    assert.deepEqual(
      [0, 7, 14, 21, 28, 35].map((label) => countOf(kept, label)),
      [2, 1, 1, 1, 0, 0],
    );
    assert.deepEqual(
      numbersOf([trained, kept]),
      Array.from(labels, (_, row) => row),
    );
  });

  it('are at most what leaves two', () => {
    const { kept } = keepForSelection(labels, 0.9, new Random(1));
    assert.deepEqual(
      [0, 7, 14, 21, 28, 35].map((label) => countOf(kept, label)),
      [6, 3, 2, 1, 0, 0],
    );
  });

  it('are all rows of a group or none of them, and none of a group of two classes', () => {
    // Rows 0 to 1 and 2 to 4 of the class of 8 are one picture each, row 8 is one with row 13, of another class.
    const groups = Int32Array.from(labels, (_, row) => [0, 0, 2, 2, 2][row] ?? (row === 13 ? 8 : row));
    const counts = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { trained, kept } = keepForSelection(labels, 0.4, new Random(seed), groups);
      const isKept = (row: number): number => Number(kept.includes(row));
      counts.add([0, 1, 2, 3, 4].map(isKept).join(''));
      assert.deepEqual([isKept(8), isKept(13)], [0, 0]);
      assert.deepEqual([countOf(kept, 0), kept.length + trained.length], [3, labels.length]);
    }
    assert.deepEqual([...counts].toSorted(), ['00000', '00111', '11000']);
  });

  it('are none when no share is asked for', () => {
    const { trained, kept } = keepForSelection(labels, 0, new Random(1));
    assert.deepEqual([trained.length, kept.length], [labels.length, 0]);
  });

  it('are the same for a seed and others for another', () => {
    const kept = (seed: number): Int32Array => keepForSelection(labels, 0.5, new Random(seed)).kept;
    assert.deepEqual(kept(1), kept(1));
    assert.notDeepEqual(kept(1), kept(2));
  });

  it('are judged by the nearest trained row, whitened by the trained rows alone', () => {
    for (const spread of [0, 1, 50]) {
      tf.tidy(() => {
        const rows = features(spread);
        const selection = keepForSelection(labels, 0.25, new Random(1));
        const known = [...selection.trained];
        const whitening = withinClassWhitening(
          tf.gather(rows, tf.tensor1d(known, 'int32')),
          Int32Array.from(known, (row) => labels[row] as number),
          options,
        );
        const moved = applyWhitening(rows, whitening).arraySync();
        const apart = (a: number, b: number): number =>
          (moved[a] as number[]).reduce((sum, x, k) => sum + (x - (moved[b]?.[k] as number)) ** 2, 0);
        const margins = Array.from(selection.kept, (row) => {
          const own = Math.min(
            ...known.filter((each) => labels[each] === labels[row]).map((each) => apart(row, each)),
          );
          const other = Math.min(
            ...known.filter((each) => labels[each] !== labels[row]).map((each) => apart(row, each)),
          );
          return (other - own) / (other + own);
        });
        const right = margins.filter((margin) => margin > 0).length / margins.length;

        const { accuracy, score, loss } = judgeKept(rows, labels, selection, options);

        assert.equal(accuracy, right);
        assertClose(
          [score ?? NaN],
          [right + margins.reduce((a, b) => a + b, 0) / margins.length / (2 * margins.length)],
          {
            tolerance: 1e-3,
          },
        );
        assert.equal(loss, null);
        if (spread === 50) assert.equal(accuracy, 1);
      });
    }
  });
});
