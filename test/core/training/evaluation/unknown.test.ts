import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calibrate } from '../../../../core/gallery/calibration.ts';
import { Random } from '../../../../core/random.ts';
import { evaluateUnknown } from '../../../../core/training/evaluation/index.ts';
import { auroc } from '../../../../core/training/evaluation/unknown.ts';
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

describe('evaluation with unknown pictures', () => {
  it('counts the rejected and the accepted at each operating point', () => {
    const calibration = calibrate(
      galleryOfRows([
        ['a/1', [0]],
        ['a/2', [1]],
        ['b/1', [10]],
        ['b/2', [12]],
      ]),
    );
    assert.equal(calibration?.points.balanced.threshold, 4);
    const found = evaluateUnknown([1, 4, 5, 2], [3, 9, 16], calibration);
    assert.equal(found.images, 3);
    assert.deepEqual(found.points?.balanced, { falseRejection: 0.25, falseAcceptance: 1 - 2 / 3 });
  });

  it('has no operating points without a calibration', () => {
    assert.equal(evaluateUnknown([1], [2], null).points, null);
  });

  it('is refused without known or without unknown pictures', () => {
    assert.throws(() => evaluateUnknown([], [1], null), { name: 'InvalidInputError' });
    assert.throws(() => evaluateUnknown([1], [], null), { name: 'InvalidInputError' });
  });
});
