import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wilsonInterval } from '../../../../core/training/evaluation/accuracy.ts';

describe('the Wilson interval', () => {
  // Printed by scipy 1.17.1: scipy.stats.binomtest(right, total).proportion_ci(method='wilson').
  const byScipy: [right: number, total: number, low: number, high: number][] = [
    [0, 10, 0, 0.27753279986288926],
    [1, 10, 0.017876213095072896, 0.4041500267952385],
    [24, 24, 0.8620237953250198, 1],
    [120, 150, 0.7288586692020037, 0.8561591841771504],
  ];
  for (const [right, total, low, high] of byScipy) {
    it(`of ${right} in ${total} is what scipy gives`, () => {
      const interval = wilsonInterval(right, total);
      assert.ok(Math.abs(interval.low - low) < 1e-12, `${interval.low}`);
      assert.ok(Math.abs(interval.high - high) < 1e-12, `${interval.high}`);
    });
  }

  it('holds the shares that are 1.96 of their own standard errors away at its ends', () => {
    for (const [right, total] of [
      [3, 7],
      [50, 60],
      [999, 1000],
    ] as const) {
      const { low, high } = wilsonInterval(right, total);
      for (const end of [low, high]) {
        const errors = Math.abs(right / total - end) / Math.sqrt((end * (1 - end)) / total);
        assert.ok(Math.abs(errors - 1.959964) < 1e-5);
      }
    }
  });
});
