import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';

describe('the generator', () => {
  it('is xoshiro128** as published', () => {
    // From the tests of the Rust crate rand_xoshiro, which took them from the authors' C code.
    const random = Random.restore([1, 2, 3, 4]);
    const drawn = Array.from({ length: 10 }, () => random.uint32());
    assert.deepEqual(
      drawn,
      [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
    );
  });

  it('goes on from a saved state, through JSON', () => {
    const random = new Random(7);
    random.normal();
    const restored = Random.restore(JSON.parse(JSON.stringify(random.save())) as number[]);
    const draw = (from: Random): number[] => [
      from.uint32(),
      from.float(),
      from.below(10),
      from.normal(),
      ...from.shuffle([1, 2, 3, 4, 5]),
    ];
    assert.deepEqual(draw(restored), draw(random));
  });

  it('gives the same for a seed and something else for another', () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 4 }, () => random.uint32());
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    assert.notDeepEqual(draw(0), [0, 0, 0, 0]);
  });

  it('draws whole numbers below a limit evenly', () => {
    const random = new Random(3);
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]! += 1;
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, counts.join());
  });

  it('draws floats in [0, 1) and normal numbers of mean 0 and variance 1', () => {
    const random = new Random(4);
    const floats = Array.from({ length: 20_000 }, () => random.float());
    const normals = Array.from({ length: 20_000 }, () => random.normal());
    const mean = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;
    assert.ok(floats.every((x) => x >= 0 && x < 1));
    assert.ok(Math.abs(mean(floats) - 0.5) < 0.01);
    assert.ok(Math.abs(mean(normals)) < 0.03);
    assert.ok(Math.abs(mean(normals.map((x) => x * x)) - 1) < 0.05);
  });

  it('shuffles in place: every item once, every order as often', () => {
    const random = new Random(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].toSorted(), ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 150);
    assert.deepEqual(random.shuffle([]), []);
  });
});
