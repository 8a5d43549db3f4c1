import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Comparison } from '../../../core/promotion/compare.ts';
import { judgeGate, TOLERANCE } from '../../../core/promotion/gate.ts';
import { comparePaired } from '../../../core/training/evaluation/paired.ts';

/** Pictures that both have right, that only the new version has, that only the one before has, and that neither has. */
type Counts = readonly [both: number, onlyNew: number, onlyBefore: number, neither: number];

function comparisonOf([both, onlyNew, onlyBefore, neither]: Counts): Comparison {
  const rights = (...parts: readonly (readonly [number, boolean])[]): boolean[] =>
    parts.flatMap(([count, right]) => Array.from({ length: count }, () => right));
  const first = rights([both, true], [onlyNew, true], [onlyBefore, false], [neither, false]);
  const second = rights([both, true], [onlyNew, false], [onlyBefore, true], [neither, false]);
  const images = first.length;
  const side = (version: number, right: readonly boolean[]) => {
    const count = right.filter(Boolean).length;
    return { model: 'cats', version, right: count, accuracy: images === 0 ? null : count / images };
  };
  return {
    first: side(2, first),
    second: side(1, second),
    images,
    leftOut: { trained: 3, unreadable: 1 },
    paired: images === 0 ? null : comparePaired(first, second),
    perClass: [],
    changed: [],
  };
}

const outcome = (counts: Counts, tolerance = TOLERANCE): string =>
  judgeGate(comparisonOf(counts), tolerance, false).outcome;

describe('whether a version may go live', () => {
  it('is yes for what is as good or better', () => {
    assert.equal(outcome([20, 0, 0, 4]), 'passed');
    assert.equal(outcome([10, 6, 2, 6]), 'passed');
  });

  it('is yes for a small loss that may be chance, and no beyond the tolerance', () => {
    // Of 100 pictures 5 fewer are right, then 6.
    assert.equal(outcome([80, 3, 8, 9]), 'passed');
    assert.equal(outcome([80, 3, 9, 8]), 'worse');
    assert.equal(outcome([80, 3, 9, 8], 0.06), 'passed');
    assert.equal(outcome([80, 3, 8, 9], 0), 'worse');
  });

  it('is no for a small loss that many pictures prove', () => {
    assert.equal(outcome([4000, 10, 60, 100]), 'worse');
    assert.equal(outcome([4000, 10, 60, 100], 1), 'worse');
  });

  it('never hangs on one picture, however few there are', () => {
    assert.equal(outcome([5, 0, 1, 0]), 'passed');
    assert.equal(outcome([5, 0, 1, 0], 0), 'passed');
    assert.equal(outcome([5, 0, 2, 0]), 'worse');
  });

  it('is not known without pictures', () => {
    const { outcome: none, reason, comparison } = judgeGate(comparisonOf([0, 0, 0, 0]), TOLERANCE, false);
    assert.deepEqual([none, comparison], ['not-compared', null]);
    assert.match(
      reason,
      /version 1: no picture is left .* of 4, one of the two was trained on 3, and 1 cannot be read/,
    );
  });
});
