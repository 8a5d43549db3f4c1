import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calibrate } from '../../../core/gallery/calibration.ts';
import { decide, type DecisionOptions } from '../../../core/gallery/decision.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import { galleryOfRows, onCircle } from './support.ts';

const gallery = galleryOfRows([
  ['east/-10', onCircle(-10)],
  ['east/0', onCircle(0)],
  ['east/10', onCircle(10)],
  ['north/85', onCircle(85)],
  ['north/95', onCircle(95)],
  ['west/170', onCircle(170)],
  ['west/190', onCircle(190)],
]);
const search = createSearch(gallery);
const query = (degrees: number): Float32Array => Float32Array.from(onCircle(degrees));
/** Squared chord between two angles: 2 - 2 cos. */
const chord = (degrees: number): number => 2 - 2 * Math.cos((degrees * Math.PI) / 180);

function assertNear(actual: number | null | undefined, expected: number): void {
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) < 1e-6,
    `${actual} is not ${expected}`,
  );
}

describe('decide', () => {
  it('answers with the nearest class, the runner-up margin and one picture a class', () => {
    const decision = decide(query(20), search, { top: 2 });
    assert.equal(decision.class, 'east');
    assertNear(decision.distance, chord(10));
    assertNear(decision.margin, chord(65) - chord(10));
    assert.deepEqual(
      decision.neighbours.map(({ class: className, key }) => [className, key]),
      [
        ['east', 'east/10'],
        ['north', 'north/85'],
      ],
    );
    assert.equal(decision.neighbours[0]?.distance, decision.distance);
  });

  it('cannot tell known from unknown without a calibration, and says so with null', () => {
    const { known, confidence, threshold } = decide(query(20), search);
    assert.deepEqual([known, confidence, threshold], [null, null, null]);
  });

  it('calls a picture known up to and including the threshold', () => {
    const { distance } = decide(query(20), search);
    assert.equal(decide(query(20), search, { threshold: distance }).known, true);
    assert.equal(decide(query(20), search, { threshold: distance * 0.999 }).known, false);
    assert.equal(decide(query(20), search, { threshold: distance * 0.999 }).class, 'east');
  });

  it('takes threshold and rule from the calibration, by operating point', () => {
    const calibration = calibrate(gallery, { rule: 'class-mean' });
    assert.ok(calibration);
    for (const point of ['strict', 'balanced', 'lenient'] as const) {
      assert.equal(
        decide(query(20), search, { calibration, point }).threshold,
        calibration.points[point].threshold,
      );
    }
    const byDefault = decide(query(20), search, { calibration });
    assert.equal(byDefault.threshold, calibration.points.balanced.threshold);
    assert.equal(byDefault.distance, decide(query(20), search, { rule: 'class-mean' }).distance);
  });

  it('takes its threshold from a rate instead of the point, when told', () => {
    const calibration = calibrate(gallery);
    assert.ok(calibration);
    const all = decide(query(20), search, { calibration, falseRejection: 0 }).threshold;
    const half = decide(query(20), search, { calibration, point: 'lenient', falseRejection: 0.5 }).threshold;
    const few = decide(query(20), search, { calibration, falseAcceptance: 0 }).threshold;
    assert.equal(all, calibration.distances?.known.at(-1));
    assert.ok((half ?? 9) < (all ?? 0));
    assert.ok((few ?? 9) < (calibration.distances?.strangers[0] ?? 0));
    assert.throws(() => decide(query(20), search, { falseRejection: 0.1 }), { name: 'InvalidInputError' });
  });

  it('by class mean measures to the mean and names the nearest picture', () => {
    const decision = decide(query(30), search, { rule: 'class-mean' });
    assert.deepEqual([decision.class, decision.rule], ['east', 'class-mean']);
    // Pictures at -10, 0 and 10 degrees.
    assertNear(decision.distance, chord(30));
    assert.equal(decision.neighbours[0]?.key, 'east/10');
  });

  it('by class mean and cosine measures to the mean direction, whatever the lengths', () => {
    const stretched = galleryOfRows(
      [
        ['east/0', [100, 0]],
        ['east/90', [0, 1]],
        ['west/180', [-1, 0]],
      ],
      { distance: 'cosine' },
    );
    assertNear(decide(query(45), createSearch(stretched), { rule: 'class-mean' }).distance, 0);
  });

  it('is surer of a near picture than of a far one, and unsure half-way between classes', () => {
    const calibration = calibrate(gallery);
    const confidence = (degrees: number): number =>
      decide(query(degrees), search, { calibration }).confidence ?? -1;
    assert.ok(confidence(5) > confidence(35));
    assert.ok(confidence(35) > confidence(47.5));
    assert.ok(confidence(5) <= 1 && confidence(47.5) >= 0);
  });

  it('has neither margin nor confidence with a single class', () => {
    const one = galleryOfRows([
      ['a/1', [0]],
      ['a/2', [1]],
      ['a/3', [2]],
    ]);
    const decision = decide(Float32Array.of(0.5), createSearch(one), { calibration: calibrate(one) });
    assert.deepEqual([decision.margin, decision.confidence, decision.known], [null, null, true]);
  });

  it('refuses an empty gallery, options out of range and a calibration for something else', () => {
    const calibration = calibrate(gallery);
    const cosine = createSearch({ ...gallery, distance: 'cosine' });
    const refuse = (message: RegExp, act: () => unknown): void =>
      assert.throws(act, { name: 'InvalidInputError', message });
    refuse(/gallery is empty/, () => decide(query(0), createSearch(galleryOfRows([], { dimensions: 2 }))));
    refuse(/top is .*, not 0/, () => decide(query(0), search, { top: 0 }));
    refuse(/threshold is .*, not NaN/, () => decide(query(0), search, { threshold: Number.NaN }));
    refuse(/rule class-mean/, () => decide(query(0), search, { calibration, rule: 'class-mean' }));
    refuse(/cosine distances; calibrate again/, () => decide(query(0), cosine, { calibration }));
    const hostile: DecisionOptions = JSON.parse('{"point": "__proto__"}') as DecisionOptions;
    refuse(/operating point is "strict", "balanced", "lenient", not "__proto__"/, () =>
      decide(query(0), search, hostile),
    );
    refuse(/dimensions/, () => decide(Float32Array.of(1, 2, 3), search));
  });
});
