import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusteredInterval } from '../../../../core/interval.ts';
import { calibrate } from '../../../../core/gallery/calibration.ts';
import { Random } from '../../../../core/random.ts';
import { evaluateUnknown } from '../../../../core/training/evaluation/index.ts';
import { auroc, oscr } from '../../../../core/training/evaluation/unknown.ts';
import { galleryOfRows } from '../../gallery/support.ts';

describe('the area under the ROC curve', () => {
  it('is the share of pairs in the right order, ties counting half', () => {
    const random = new Random(6);
    for (let round = 0; round < 20; round++) {
      const known = Array.from({ length: 1 + random.below(30) }, () => random.below(10));
      const unknown = Array.from({ length: 1 + random.below(30) }, () => random.below(12));
      let pairs = 0;
      for (const k of known) for (const u of unknown) pairs += u > k ? 1 : u === k ? 0.5 : 0;
      assert.equal(auroc(known, unknown), pairs / (known.length * unknown.length));
    }
  });

  it('is 1 for distances that lie apart, 0 for the wrong way round and a half for equal ones', () => {
    assert.deepEqual([auroc([1, 2], [3, 4]), auroc([3, 4], [1, 2]), auroc([1, 1], [1])], [1, 0, 0.5]);
  });
});

describe('the open-set classification rate', () => {
  it('is the area under the curve that thresholds at all distances draw', () => {
    const random = new Random(8);
    for (let round = 0; round < 20; round++) {
      const known = Array.from({ length: 1 + random.below(20) }, () => ({
        distance: random.below(12),
        right: random.float() < 0.7,
      }));
      const unknown = Array.from({ length: 1 + random.below(20) }, () => random.below(14));
      const curve = [-1, ...Array.from({ length: 15 }, (_, i) => i)].map((threshold) => ({
        x: unknown.filter((distance) => distance <= threshold).length / unknown.length,
        y: known.filter(({ distance, right }) => right && distance <= threshold).length / known.length,
      }));
      const area = curve.slice(1).reduce((sum, { x, y }, i) => {
        const before = curve[i] ?? { x: 0, y: 0 };
        return sum + ((x - before.x) * (y + before.y)) / 2;
      }, 0);
      assert.ok(Math.abs(oscr(known, unknown) - area) < 1e-12);
    }
  });

  it('is the accuracy where all known pictures are nearer than the unknown ones, and 0 where none is right', () => {
    const known = [true, true, false, true].map((right) => ({ distance: 1, right }));
    assert.equal(oscr(known, [2, 3]), 0.75);
    assert.equal(oscr([{ distance: 1, right: false }], [2]), 0);
  });
});

describe('evaluation with unknown pictures', () => {
  const answers = (distances: readonly number[], wrong: readonly number[] = []) =>
    distances.map((distance) => ({ distance, right: !wrong.includes(distance) }));

  /** Each of a kind of its own, unless said otherwise. */
  const strangers = (distances: readonly number[], kinds = distances.length) =>
    distances.map((distance, i) => ({ distance, class: String(i % kinds) }));

  it('counts the rejected and the accepted at each operating point, beside the targets', () => {
    const calibration = calibrate(
      galleryOfRows([
        ['a/1', [0]],
        ['a/2', [1]],
        ['b/1', [10]],
        ['b/2', [12]],
      ]),
    );
    assert.equal(calibration?.points.balanced.threshold, 4);
    const found = evaluateUnknown(answers([1, 4, 5, 2], [5, 2]), strangers([3, 9, 16]), calibration);
    assert.equal(found.images, 3);
    const { balanced, strict } = found.points ?? {};
    assert.deepEqual(
      [balanced?.threshold, balanced?.falseRejection, balanced?.falseAcceptance, balanced?.wrongRejected],
      [4, 0.25, 1 / 3, 0.5],
    );
    assert.deepEqual([strict?.targetFalseAcceptance, balanced?.targetFalseAcceptance], [0.05, null]);
    const one = (hits: number) => ({ hits, total: 1 });
    assert.deepEqual(balanced?.falseAcceptanceInterval, clusteredInterval([one(1), one(0), one(0)]));
  });

  it('knows how many unknown pictures pass with 95 % of the known ones', () => {
    const known = answers(Array.from({ length: 100 }, (_, i) => i));
    assert.equal(evaluateUnknown(known, strangers([10, 94, 94.5, 200]), null).falseAcceptanceAt95, 0.5);
    assert.equal(evaluateUnknown(answers([5]), strangers([5, 6]), null).falseAcceptanceAt95, 0.5);
  });

  it('has no share of wrong answers where none was wrong, and no operating points without a calibration', () => {
    const gallery = galleryOfRows([
      ['a/1', [0]],
      ['a/2', [1]],
    ]);
    const found = evaluateUnknown(answers([1]), strangers([2]), calibrate(gallery));
    assert.equal(found.points?.balanced.wrongRejected, null);
    assert.equal(evaluateUnknown(answers([1]), strangers([2]), null).points, null);
  });

  it('is refused without known or without unknown pictures', () => {
    assert.throws(() => evaluateUnknown([], strangers([1]), null), { name: 'InvalidInputError' });
    assert.throws(() => evaluateUnknown(answers([1]), [], null), { name: 'InvalidInputError' });
  });
});
