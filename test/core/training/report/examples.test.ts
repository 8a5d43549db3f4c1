import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calibrate } from '../../../../core/gallery/calibration.ts';
import { createDecider } from '../../../../core/gallery/decision.ts';
import { createGallery, embeddingAt } from '../../../../core/gallery/gallery.ts';
import { createSearch } from '../../../../core/gallery/search.ts';
import { evaluateWithAnswers } from '../../../../core/training/evaluation/index.ts';
import {
  chooseExamples,
  type Example,
  MOST_CLOSE,
  MOST_WRONG,
} from '../../../../core/training/report/examples.ts';
import { sha256Of } from '../../gallery/support.ts';
import { naiveRankings, randomLabelled } from '../evaluation/support.ts';

const rule = 'nearest' as const;
const queries = randomLabelled(120, 5, 8);
const rows = randomLabelled(60, 5, 9);
const gallery = createGallery({ ...rows, sha256: rows.keys.map(sha256Of) });
const calibration = calibrate(gallery);
const { answers } = evaluateWithAnswers(queries, gallery, rule);
const wrongKeys = answers.filter((one) => one.predicted !== one.class).map(({ key }) => key);

const confidenceOf = (key: string): number => {
  const decide = createDecider(createSearch(gallery), { calibration });
  return decide(embeddingAt(queries, queries.keys.indexOf(key))).confidence ?? Number.NaN;
};

describe('the examples of a report', () => {
  const examples = chooseExamples({ queries, gallery, rule, answers, calibration });

  it('are the wrong answers, the surest first, as many as there is room for', () => {
    assert.ok(wrongKeys.length > MOST_WRONG, `${wrongKeys.length} are wrong`);
    const expected = wrongKeys
      .map((key) => ({ key, confidence: confidenceOf(key) }))
      .toSorted((a, b) => b.confidence - a.confidence)
      .slice(0, MOST_WRONG);

    assert.equal(examples.wrongCount, wrongKeys.length);
    assert.deepEqual(
      examples.wrong.map(({ key, confidence }) => ({ key, confidence })),
      expected,
    );
  });

  it('and the right answers that were least sure', () => {
    const right = queries.keys.filter((key) => !wrongKeys.includes(key));
    const expected = right.toSorted((a, b) => confidenceOf(a) - confidenceOf(b)).slice(0, MOST_CLOSE);

    assert.deepEqual(
      examples.close.map(({ key }) => key),
      expected,
    );
  });

  it('have the nearest pictures beside them, and one of their own class if it is not among these', () => {
    const rankings = naiveRankings(queries, gallery, false);
    const all: readonly Example[] = [...examples.wrong, ...examples.close];
    for (const example of all) {
      const ranking = rankings[queries.keys.indexOf(example.key)] ?? [];
      assert.deepEqual(
        example.nearest.map((one) => one.class),
        ranking.slice(0, 3),
      );
      const isAmong = ranking.slice(0, 3).includes(example.class);
      assert.equal(example.ofActual?.class, isAmong ? undefined : example.class);
      assert.ok((example.ofActual?.distance ?? Infinity) >= (example.nearest[2]?.distance ?? Infinity));
    }
  });

  it('have a picture of the class that they were told, too, where its nearest one did not decide', () => {
    const by = 'class-mean' as const;
    const told = evaluateWithAnswers(queries, gallery, by).answers;
    const rankings = naiveRankings(queries, gallery, false);

    const { wrong, rule: decidedBy } = chooseExamples({
      queries,
      gallery,
      rule: by,
      answers: told,
      calibration: calibrate(gallery, { rule: by }),
    });

    assert.equal(decidedBy, by);
    const missed = wrong.filter((example) => {
      const ranking = rankings[queries.keys.indexOf(example.key)] ?? [];
      return !ranking.slice(0, 3).includes(example.predicted);
    });
    assert.ok(missed.length > 0, 'a class is told that none of the three nearest pictures is of');
    assert.deepEqual(
      wrong.filter(({ ofPredicted: picture }) => picture !== null),
      missed,
    );
    assert.ok(missed.every(({ ofPredicted: picture, predicted }) => picture?.class === predicted));
  });

  it('are ordered by how far the second class is behind where there is no calibration', () => {
    const { wrong, close } = chooseExamples({ queries, gallery, rule, answers, calibration: null });

    const decide = createDecider(createSearch(gallery));
    const behind = ({ key }: Example): number => {
      const { distance, margin } = decide(embeddingAt(queries, queries.keys.indexOf(key)));
      return (margin ?? 0) / (2 * distance + (margin ?? 0));
    };
    assert.ok([...wrong, ...close].every(({ confidence, known }) => confidence === null && known === null));
    assert.deepEqual(
      wrong.map(behind),
      wrong.map(behind).toSorted((a, b) => b - a),
    );
    assert.deepEqual(
      close.map(behind),
      close.map(behind).toSorted((a, b) => a - b),
    );
  });

  it('of a class that the gallery lacks have no picture of their own class', () => {
    const strangers = { ...queries, classes: queries.classes.map(() => 'stranger') };
    const told = evaluateWithAnswers(strangers, gallery, rule).answers;

    const { wrong, wrongCount, close } = chooseExamples({
      queries: strangers,
      gallery,
      rule,
      answers: told,
      calibration,
    });

    assert.equal(wrongCount, 120);
    assert.deepEqual(close, []);
    assert.ok(wrong.every(({ ofActual }) => ofActual === null));
  });
});
