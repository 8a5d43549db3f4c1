import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitLogistic, logisticObjective, type Observation, sigmoid } from '../../../core/gallery/logistic.ts';
import { Random } from '../../../core/random.ts';

/** Plain gradient descent with numeric derivatives: slow, and nothing in common with Newton's method. */
function naiveFit(observations: readonly Observation[], width: number): number[] {
  let coefficients = Array.from({ length: width }, () => 0);
  const total = observations.reduce((sum, { weight }) => sum + weight, 0);
  for (let step = 0; step < 20_000; step++) {
    coefficients = coefficients.map((c, i) => {
      const moved = (by: number): number[] => coefficients.map((value, j) => (i === j ? value + by : value));
      const slope =
        (logisticObjective(observations, moved(1e-5)) - logisticObjective(observations, moved(-1e-5))) / 2e-5;
      return c - (slope / total) * 2;
    });
  }
  return coefficients;
}

describe('logistic regression', () => {
  it('finds the same minimum as gradient descent', () => {
    const random = new Random(8);
    const observations = Array.from({ length: 40 }, (): Observation => {
      const features = [random.float(), random.normal()];
      const right = random.float() < sigmoid(1 + 2 * (features[0] ?? 0) - (features[1] ?? 0));
      return { features, target: right ? 0.97 : 0.1, weight: 0.5 + random.float() };
    });
    const found = fitLogistic(observations);
    for (const [i, expected] of naiveFit(observations, 3).entries()) {
      assert.ok(Math.abs((found[i] ?? 0) - expected) < 1e-3, `${found.join()} against ${expected} at ${i}`);
    }
  });

  it('gives the smoothed share when all targets are one and the feature tells nothing', () => {
    const observations = Array.from({ length: 9 }, (_, i) => ({ features: [i], target: 10 / 11, weight: 1 }));
    const [intercept = 0, slope = 1] = fitLogistic(observations);
    assert.ok(Math.abs(sigmoid(intercept) - 10 / 11) < 1e-6);
    assert.ok(Math.abs(slope) < 1e-6);
  });

  it('stays finite on separable data, constant features and huge values', () => {
    const cases: Observation[][] = [
      [-2, -1, 1, 2].map((x) => ({ features: [x], target: x > 0 ? 0.75 : 0.25, weight: 1 })),
      [1, 1, 1].map((x, i) => ({ features: [x, 0], target: i / 2, weight: 1 })),
      [-1e6, 1e6].map((x) => ({ features: [x], target: x > 0 ? 0.9 : 0.1, weight: 1e3 })),
    ];
    for (const observations of cases) {
      assert.ok(fitLogistic(observations).every(Number.isFinite));
    }
  });

  it('has a sigmoid that does not overflow', () => {
    assert.deepEqual([sigmoid(-1e4), sigmoid(0), sigmoid(1e4)], [0, 0.5, 1]);
  });
});
