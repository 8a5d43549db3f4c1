import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Labelled } from '../../../../core/gallery/gallery.ts';
import {
  type Evaluation,
  evaluate,
  evaluateWithAnswers,
  evaluateWithin,
} from '../../../../core/training/evaluation/index.ts';
import { onCircle } from '../../gallery/support.ts';
import { labelled, naiveRankings, randomLabelled } from './support.ts';

const distance = 'squared-euclidean' as const;

/** Every measure again from its definition, with loops over queries, ranks and rows. */
function naiveEvaluation(queries: Labelled, gallery: Labelled, self: boolean) {
  const rankings = naiveRankings(queries, gallery, self);
  const at = {
    accuracy: 0,
    recall: [0, 0, 0, 0],
    precision: [0, 0, 0, 0],
    rPrecision: 0,
    mapAtR: 0,
    related: 0,
  };
  for (const [q, ranking] of rankings.entries()) {
    const own = queries.classes[q] ?? '';
    if (ranking[0] === own) at.accuracy++;
    for (const [i, k] of [1, 2, 4, 8].entries()) {
      let hits = 0;
      for (let rank = 0; rank < k; rank++) if (ranking[rank] === own) hits++;
      at.recall[i] = (at.recall[i] ?? 0) + (hits > 0 ? 1 : 0);
      at.precision[i] = (at.precision[i] ?? 0) + hits / Math.min(k, ranking.length);
    }
    const relatives = ranking.filter((name) => name === own).length;
    if (relatives === 0) continue;
    at.related++;
    let [hits, average] = [0, 0];
    for (let i = 1; i <= relatives; i++) {
      if (ranking[i - 1] !== own) continue;
      let before = 0;
      for (let j = 1; j <= i; j++) if (ranking[j - 1] === own) before++;
      average += before / i;
      hits++;
    }
    at.rPrecision += hits / relatives;
    at.mapAtR += average / relatives;
  }
  const n = rankings.length;
  return {
    accuracy: at.accuracy / n,
    recall: at.recall.map((value) => value / n),
    precision: at.precision.map((value) => value / n),
    rPrecision: at.related === 0 ? null : at.rPrecision / at.related,
    mapAtR: at.related === 0 ? null : at.mapAtR / at.related,
  };
}

function assertSame(found: Evaluation, expected: ReturnType<typeof naiveEvaluation>): void {
  const flat = (numbers: (number | null)[]): (string | null)[] => numbers.map((x) => x?.toFixed(12) ?? null);
  const { recallAt: recall, precisionAt: precision } = found;
  assert.deepEqual(
    flat([found.accuracy, found.rPrecision, found.mapAtR]),
    flat([expected.accuracy, expected.rPrecision, expected.mapAtR]),
  );
  assert.deepEqual(flat([recall[1], recall[2], recall[4], recall[8]]), flat(expected.recall));
  assert.deepEqual(flat([precision[1], precision[2], precision[4], precision[8]]), flat(expected.precision));
}

describe('evaluation', () => {
  for (const [rows, classes] of [
    [5, 2],
    [60, 5],
    [150, 40],
  ] as const) {
    it(`of ${rows} pictures in ${classes} classes agrees with the definitions, against a gallery and within itself`, () => {
      const gallery = randomLabelled(rows, classes, 1);
      const queries = randomLabelled(rows, classes + 1, 2);
      assertSame(evaluate(queries, { ...gallery, distance }), naiveEvaluation(queries, gallery, false));
      assertSame(evaluateWithin({ ...gallery, distance }), naiveEvaluation(gallery, gallery, true));
    });
  }

  it('has the values worked out by hand for points of a circle', () => {
    // From a at 0 degrees the others come in the order b 10, a 20, c 40, a 60: precisions at the hits among the first R = 2 are 1/2.
    const gallery = {
      ...labelled([
        ['b', onCircle(10)],
        ['a', onCircle(20)],
        ['c', onCircle(40)],
        ['a', onCircle(60)],
      ]),
      distance,
    };
    const queries = labelled([['a', onCircle(0)]]);
    const found = evaluate(queries, gallery);
    assert.equal(found.accuracy, 0);
    assert.deepEqual(found.recallAt, { 1: 0, 2: 1, 4: 1, 8: 1 });
    assert.deepEqual(found.precisionAt, { 1: 0, 2: 0.5, 4: 0.5, 8: 0.5 });
    assert.equal(found.rPrecision, 0.5);
    assert.equal(found.mapAtR, 0.25);
  });

  it('is perfect for classes that lie apart', () => {
    const gallery = {
      ...labelled(
        [0, 1, 2, 120, 121, 240, 241].map((angle) => [`${angle - (angle % 120)}`, onCircle(angle)]),
      ),
      distance,
    };
    const { accuracy, macroAccuracy, rPrecision, mapAtR } = evaluateWithin(gallery);
    assert.deepEqual([accuracy, macroAccuracy, rPrecision, mapAtR], [1, 1, 1, 1]);
  });

  it('counts classes alike in the macro accuracy, however many queries they have', () => {
    const gallery = {
      ...labelled([
        ['a', [0]],
        ['b', [10]],
      ]),
      distance,
    };
    const queries = labelled([
      ['a', [1]],
      ['a', [1]],
      ['a', [1]],
      ['b', [4]],
    ]);
    const { accuracy, macroAccuracy, perClass } = evaluate(queries, gallery);
    assert.deepEqual([accuracy, macroAccuracy], [0.75, 0.5]);
    assert.deepEqual(perClass, [
      { class: 'a', images: 3, right: 3, accuracy: 1 },
      { class: 'b', images: 1, right: 0, accuracy: 0 },
    ]);
  });

  it('names classes that the gallery lacks, counts them as wrong and gives them their own row', () => {
    const gallery = {
      ...labelled([
        ['a', [0]],
        ['b', [10]],
      ]),
      distance,
    };
    const queries = labelled([
      ['A', [1]],
      ['a', [1]],
    ]);
    const found = evaluate(queries, gallery);
    assert.deepEqual(found.missingClasses, ['A']);
    assert.equal(found.accuracy, 0.5);
    assert.deepEqual(found.confusion, {
      labels: ['A', 'a'],
      counts: [
        [0, 1],
        [0, 1],
      ],
    });
    assert.equal(found.mapAtR, 1);
  });

  it('has no means over relatives when no query has one', () => {
    const gallery = {
      ...labelled([
        ['a', [0]],
        ['b', [1]],
      ]),
      distance,
    };
    const { rPrecision, mapAtR, accuracy } = evaluateWithin(gallery);
    assert.deepEqual([rPrecision, mapAtR, accuracy], [null, null, 0]);
  });

  it('answers by the rule that it is given', () => {
    // The mean of a (0, 0, 9) is 3, of b it is 6; the query at 4.6 is nearer to b's picture but not to its mean.
    const gallery = {
      ...labelled([
        ['a', [0]],
        ['a', [0]],
        ['a', [9]],
        ['b', [5]],
        ['b', [8]],
      ]),
      distance,
    };
    const queries = labelled([['a', [4.6]]]);
    assert.equal(evaluate(queries, gallery, 'nearest').accuracy, 0);
    assert.equal(evaluate(queries, gallery, 'class-mean').accuracy, 1);
  });

  it('gives what each query was told', () => {
    const gallery = {
      ...labelled([
        ['a', [0]],
        ['b', [10]],
      ]),
      distance,
    };
    const { answers } = evaluateWithAnswers(
      labelled([
        ['b', [8]],
        ['b', [3]],
      ]),
      gallery,
    );
    assert.deepEqual(answers, [
      { key: 'b/0000', class: 'b', predicted: 'b', distance: 4, nearest: 'b/0001' },
      { key: 'b/0001', class: 'b', predicted: 'a', distance: 9, nearest: 'a/0000' },
    ]);
  });

  it('keeps apart classes with the names of built-in properties, and survives JSON', () => {
    const gallery = {
      ...labelled([
        ['__proto__', [0]],
        ['constructor', [10]],
      ]),
      distance,
    };
    const found = evaluate(
      labelled([
        ['__proto__', [1]],
        ['constructor', [9]],
      ]),
      gallery,
    );
    assert.equal(found.accuracy, 1);
    assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
  });

  it('refuses to evaluate without queries, or with nothing to compare with', () => {
    const one = { ...labelled([['a', [0]]]), distance };
    const none = { ...labelled([], 1), distance };
    for (const act of [
      () => evaluate(none, one),
      () => evaluate(one, none),
      () => evaluateWithin(one),
      () => evaluateWithin(none),
    ]) {
      assert.throws(act, { name: 'InvalidInputError' });
    }
  });
});
