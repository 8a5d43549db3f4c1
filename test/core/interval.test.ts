import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusteredInterval, studentQuantile, wilsonInterval } from '../../core/interval.ts';
import { Random } from '../../core/random.ts';

describe("the quantiles of Student's distribution", () => {
  it('are those of the printed tables', () => {
    const table: readonly (readonly [freedom: number, quantile: number])[] = [
      [1, 12.706],
      [2, 4.303],
      [3, 3.182],
      [4, 2.776],
      [5, 2.571],
      [9, 2.262],
      [19, 2.093],
      [35, 2.03],
      [120, 1.98],
    ];
    for (const [freedom, quantile] of table) {
      assert.ok(Math.abs(studentQuantile(freedom) - quantile) < 1e-3, `${freedom}`);
    }
  });
});

describe('the interval of a share of clusters', () => {
  const clusters = (hits: readonly number[], total: number) => hits.map((each) => ({ hits: each, total }));
  const width = ({ low, high }: { low: number; high: number }): number => high - low;

  it('is wider than that of as many pictures, the more so the more the clusters differ', () => {
    const alike = clusteredInterval(clusters([1, 1, 1, 1, 1, 1], 12));
    const different = clusteredInterval(clusters([6, 0, 0, 0, 0, 0], 12));
    const each = wilsonInterval(6, 72);
    assert.ok(width(alike) > width(each) && width(different) > 1.5 * width(alike));
    assert.ok(different.low < alike.low && different.high > alike.high);
  });

  it('comes near to that of the pictures with many clusters that are alike', () => {
    const found = clusteredInterval(
      clusters(
        Array.from({ length: 400 }, (_, i) => i % 2),
        10,
      ),
    );
    const each = wilsonInterval(200, 4000);
    assert.ok(Math.abs(found.low - each.low) < 0.001 && Math.abs(found.high - each.high) < 0.001);
  });

  it('has a width where nothing was hit, and says nothing of a single cluster', () => {
    const { low, high } = clusteredInterval(clusters([0, 0, 0], 10));
    assert.ok(low === 0 && high > wilsonInterval(0, 30).high);
    assert.deepEqual(clusteredInterval(clusters([5], 10)), { low: 0, high: 1 });
  });

  it('holds the true share about 19 times in 20 where clusters differ, as that of the pictures does not', () => {
    const random = new Random(5);
    let [held, heldByPictures] = [0, 0];
    for (let round = 0; round < 400; round++) {
      // A third of the clusters have 0.3 of hits, the others none: 0.1 on the whole.
      const drawn = Array.from({ length: 10 }, () => {
        const share = random.float() < 1 / 3 ? 0.3 : 0;
        return {
          hits: Array.from({ length: 12 }, () => random.float() < share).filter(Boolean).length,
          total: 12,
        };
      });
      const hits = drawn.reduce((sum, cluster) => sum + cluster.hits, 0);
      const holds = ({ low, high }: { low: number; high: number }): boolean => low <= 0.1 && 0.1 <= high;
      if (holds(clusteredInterval(drawn))) held++;
      if (holds(wilsonInterval(hits, 120))) heldByPictures++;
    }
    assert.ok(held > 370, `${held} of 400`);
    assert.ok(heldByPictures < 350, `${heldByPictures} of 400`);
  });
});
