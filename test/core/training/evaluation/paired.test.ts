import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../../../core/random.ts';
import {
  comparePaired,
  exactMcNemar,
  newcombeInterval,
} from '../../../../core/training/evaluation/paired.ts';

describe("McNemar's exact test", () => {
  // Printed by statsmodels 0.15.0: statsmodels.stats.contingency_tables.mcnemar([[0, b], [c, 0]], exact=True).pvalue.
  const byStatsmodels: [b: number, c: number, p: number][] = [
    [40, 7, 1.0709118214435875e-6],
    [3, 0, 0.25],
    [5, 5, 1],
    [6, 4, 0.75390625],
    [1, 0, 1],
    [120, 81, 0.007203828622098743],
    [700, 600, 0.0060157938610449395],
  ];
  for (const [b, c, p] of byStatsmodels) {
    it(`of ${b} and ${c} is what statsmodels gives, whichever comes first`, () => {
      for (const found of [exactMcNemar(b, c), exactMcNemar(c, b)]) {
        assert.ok(Math.abs(found / p - 1) < 1e-9, `${found}`);
      }
    });
  }

  it('is the share of all ways the coins can fall that are as uneven or more so', () => {
    for (let coins = 0; coins <= 12; coins++) {
      for (let heads = 0; heads <= coins; heads++) {
        let asUneven = 0;
        for (let way = 0; way < 2 ** coins; way++) {
          let ones = 0;
          for (let bit = way; bit > 0; bit >>= 1) ones += bit & 1;
          if (Math.abs(2 * ones - coins) >= Math.abs(2 * heads - coins)) asUneven++;
        }
        assert.ok(Math.abs(exactMcNemar(heads, coins - heads) - asUneven / 2 ** coins) < 1e-12);
      }
    }
  });
});

describe("Newcombe's paired interval", () => {
  // Printed by R's contingencytables 3.1.0, Newcombe_square_and_add_CI_paired_2x2 (the data of Cavo et al., 2012), to four digits.
  it("of a published table is what R's contingencytables gives", () => {
    const { low, high } = newcombeInterval({ both: 59, onlyFirst: 6, onlySecond: 16, neither: 80 });
    assert.deepEqual([low.toFixed(4), high.toFixed(4)], ['-0.1186', '-0.0046']);
  });

  it('holds the true difference in about 95 of 100 experiments, counted over every table there can be', () => {
    const total = 24;
    const truths = [
      [0.7, 0.15, 0.05, 0.1],
      [0.5, 0.3, 0.05, 0.15],
      [0.6, 0.1, 0.1, 0.2],
      [0.25, 0.25, 0.25, 0.25],
      [0.85, 0.1, 0.01, 0.04],
    ] as const;
    const coverages = truths.map((truth) => coverage(truth, total));
    assert.ok(Math.min(...coverages) > 0.93, coverages.join());
    const mean = coverages.reduce((sum, value) => sum + value, 0) / coverages.length;
    assert.ok(mean > 0.945 && mean < 0.985, `${mean}`);
  });

  it('has a width, and lies within -1 to 1, also where both always agree or never do', () => {
    for (const counts of [
      { both: 9, onlyFirst: 0, onlySecond: 0, neither: 0 },
      { both: 0, onlyFirst: 0, onlySecond: 0, neither: 9 },
      { both: 0, onlyFirst: 9, onlySecond: 0, neither: 0 },
      { both: 0, onlyFirst: 0, onlySecond: 1, neither: 0 },
    ]) {
      const { low, high } = newcombeInterval(counts);
      assert.ok(low >= -1 && high <= 1 && high - low > 0.1, `${low} ${high}`);
    }
  });
});

describe('a paired comparison', () => {
  const random = new Random(3);
  const draw = (share: number): boolean[] => Array.from({ length: 40 }, () => random.float() < share);
  const [first, second] = [draw(0.8), draw(0.6)];

  it('counts the queries that only one of the two answered right', () => {
    const found = comparePaired(first, second);
    let [onlyFirst, onlySecond] = [0, 0];
    for (const [i, right] of first.entries()) {
      if (right && !second[i]) onlyFirst++;
      if (!right && second[i]) onlySecond++;
    }
    assert.deepEqual([found.images, found.onlyFirst, found.onlySecond], [40, onlyFirst, onlySecond]);
    assert.equal(found.difference, (onlyFirst - onlySecond) / 40);
    assert.equal(found.p, exactMcNemar(onlyFirst, onlySecond));
  });

  it('the other way round has the other sign', () => {
    const [one, other] = [comparePaired(first, second), comparePaired(second, first)];
    assert.equal(one.difference, -other.difference);
    assert.ok(Math.abs(one.interval.low + other.interval.high) < 1e-12);
    assert.ok(Math.abs(one.interval.high + other.interval.low) < 1e-12);
    assert.equal(one.p, other.p);
  });

  it('is refused for lists of different lengths, and for none', () => {
    assert.throws(() => comparePaired([true], [true, false]), { name: 'InvalidInputError' });
    assert.throws(() => comparePaired([], []), { name: 'InvalidInputError' });
  });
});

/** The probability that the interval of a random table of `total` queries holds the true difference. */
function coverage(
  [both, onlyFirst, onlySecond, neither]: readonly [number, number, number, number],
  total: number,
): number {
  const logFactorials = [0];
  for (let n = 1; n <= total; n++) logFactorials.push((logFactorials[n - 1] ?? 0) + Math.log(n));
  const log = (n: number): number => logFactorials[n] ?? 0;
  let covered = 0;
  for (let a = 0; a <= total; a++) {
    for (let b = 0; a + b <= total; b++) {
      for (let c = 0; a + b + c <= total; c++) {
        const d = total - a - b - c;
        const ways = log(total) - log(a) - log(b) - log(c) - log(d);
        const chance = Math.exp(ways) * both ** a * onlyFirst ** b * onlySecond ** c * neither ** d;
        const { low, high } = newcombeInterval({ both: a, onlyFirst: b, onlySecond: c, neither: d });
        if (low <= onlyFirst - onlySecond && onlyFirst - onlySecond <= high) covered += chance;
      }
    }
  }
  return covered;
}
