import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DivergedError, InvalidInputError } from '../../../../core/errors.ts';
import { Random } from '../../../../core/random.ts';
import type { DistanceMatrix } from '../../../../core/training/distances/index.ts';
import { createMiner, type MinerName, miners } from '../../../../core/training/miners/index.ts';
import { circle, cloud, drawnLabels, listed, squaredDistances, tiedMatrix } from '../batches.ts';
import { naiveMiners } from './naive.ts';

const MARGIN = 0.5;

const minerNamed = (name: MinerName) =>
  createMiner(name, 'margin' in miners[name].options.shape ? { margin: MARGIN } : {});

function mine(name: MinerName, distances: DistanceMatrix, labels: Int32Array, seed = 1): number[][] {
  return listed(minerNamed(name).mine(distances, labels, new Random(seed)));
}

/** Batches of every kind that a rule could trip over. */
const batches: [string, DistanceMatrix, Int32Array][] = [
  ['points on a circle', squaredDistances(circle(12)), Int32Array.from({ length: 12 }, (_, i) => i >> 2)],
  [
    'interleaved classes on a circle',
    squaredDistances(circle(12)),
    Int32Array.from({ length: 12 }, (_, i) => i % 3),
  ],
  ['random points in random classes', squaredDistances(cloud(40, 5, 1)), drawnLabels(40, 6, 2)],
  ['two classes', squaredDistances(cloud(15, 2, 3)), drawnLabels(15, 2, 4)],
  ['many ties', tiedMatrix(24, 3, false, 5), drawnLabels(24, 4, 6)],
  ['only ties', tiedMatrix(10, 1, false, 7), drawnLabels(10, 3, 8)],
  ['a similarity', { ...squaredDistances(cloud(30, 3, 9)), largerIsCloser: true }, drawnLabels(30, 5, 10)],
  ['a similarity with ties', tiedMatrix(24, 4, true, 11), drawnLabels(24, 4, 12)],
  [
    'zeros of both signs',
    { size: 5, values: Float32Array.from({ length: 25 }, (_, i) => (i % 2 ? 0 : -0)), largerIsCloser: true },
    Int32Array.of(0, 0, 1, 1, 2),
  ],
  [
    'negative and large labels',
    squaredDistances(cloud(9, 3, 13)),
    Int32Array.of(7, -2, 7, 1e9, -2, 1e9, 7, 5, 5),
  ],
];

for (const name of Object.keys(miners) as MinerName[]) {
  const miner = minerNamed(name);
  describe(`the miner ${name}`, () => {
    it('bears the name it is found by', () => {
      assert.equal(miner.name, name);
    });

    for (const [batch, distances, labels] of batches) {
      it(`forms valid triplets from ${batch}`, () => {
        const found = mine(name, distances, labels);

        assert.ok(found.length > 0);
        for (const [anchor, positive, negative] of found as [number, number, number][]) {
          assert.notEqual(anchor, positive);
          assert.equal(labels[anchor], labels[positive]);
          assert.notEqual(labels[anchor], labels[negative]);
          assert.ok(negative >= 0 && negative < labels.length);
        }
      });

      it(`chooses what the naive loops choose from ${batch}`, () => {
        const expected = naiveMiners[name](distances, labels, MARGIN);

        const found = mine(name, distances, labels);

        if (name === 'random') {
          assert.deepEqual(
            found.map((triplet) => triplet.slice(0, 2)),
            expected.map((triplet) => triplet.slice(0, 2)),
          );
        } else assert.deepEqual(found, expected);
      });
    }

    it('gives the same triplets for the same seed', () => {
      const [, distances, labels] = batches[2] as (typeof batches)[number];

      assert.deepEqual(mine(name, distances, labels, 7), mine(name, distances, labels, 7));
    });

    it('finds nothing in an empty batch, in one class, and where every class has one picture', () => {
      const six = squaredDistances(circle(6));

      assert.deepEqual(mine(name, squaredDistances([]), new Int32Array(0)), []);
      assert.deepEqual(mine(name, squaredDistances(circle(1)), Int32Array.of(0)), []);
      assert.deepEqual(mine(name, six, new Int32Array(6)), []);
      assert.deepEqual(mine(name, six, Int32Array.of(0, 1, 2, 3, 4, 5)), []);
    });

    it('takes a class with one picture as a negative only', () => {
      const found = mine(name, squaredDistances(circle(3)), Int32Array.of(4, 9, 4));

      assert.ok(found.length > 0);
      for (const [anchor, positive, negative] of found) {
        assert.deepEqual(new Set([anchor, positive]), new Set([0, 2]));
        assert.equal(negative, 1);
      }
    });

    it('refuses labels or values that do not fit, and options that it has not', () => {
      const three = squaredDistances(circle(3));
      const use = (distances: DistanceMatrix, labels: Int32Array) => () =>
        miner.mine(distances, labels, new Random(1));

      assert.throws(use(three, Int32Array.of(0, 1)), InvalidInputError);
      assert.throws(use({ ...three, size: 4 }, Int32Array.of(0, 1, 2, 3)), InvalidInputError);
      assert.throws(() => createMiner(name, { marginn: 1 }), {
        constructor: InvalidInputError,
        message: /marginn/,
      });
    });

    it('says so when the embeddings have diverged', () => {
      const distances = squaredDistances(circle(3));
      distances.values[5] = NaN;

      assert.throws(() => mine(name, distances, Int32Array.of(0, 0, 1)), {
        constructor: DivergedError,
        message: /rows 1 and 2 is NaN/,
      });
    });
  });
}

describe('the miner close-distance', () => {
  it('chooses the triplets that the original program chooses', () => {
    const file = new URL('../../../fixtures/parity/keras.json', import.meta.url);
    const keras = JSON.parse(readFileSync(file, 'utf8')) as {
      labels: number[];
      squared_distances_before: number[][];
      close_distance_triplets: number[][];
    };
    const values = Float32Array.from(keras.squared_distances_before.flat());

    const found = mine(
      'close-distance',
      { size: 12, values, largerIsCloser: false },
      Int32Array.from(keras.labels),
    );

    assert.deepEqual(found, keras.close_distance_triplets);
  });
});

describe('the miner random', () => {
  it('draws every negative about as often', () => {
    const [distances, labels] = [squaredDistances(circle(6)), Int32Array.of(3, 5, 3, 6, 7, 7)];
    const drawn = new Map<number, number>();

    for (let seed = 0; seed < 4000; seed++) {
      const [first] = mine('random', distances, labels, seed) as [number[]];
      const negative = first[2] as number;
      drawn.set(negative, (drawn.get(negative) ?? 0) + 1);
    }

    assert.deepEqual(new Set(drawn.keys()), new Set([1, 3, 4, 5]));
    for (const count of drawn.values()) assert.ok(count > 850 && count < 1150, String(count));
  });
});

describe('the miner all', () => {
  it('refuses a batch that would give more triplets than memory should hold', () => {
    const size = 600;
    const distances = { size, values: new Float32Array(size * size), largerIsCloser: false };
    const labels = Int32Array.from({ length: size }, (_, i) => i % 2);

    assert.throws(() => mine('all', distances, labels), { message: /53820000 triplets.*another miner/ });
  });
});

describe('the miner semi-hard', () => {
  it('refuses a margin that is none', () => {
    for (const margin of [-1, NaN]) {
      assert.throws(() => createMiner('semi-hard', { margin }), InvalidInputError);
    }
  });

  /** One anchor (row 0), one positive at distance 1, and negatives at the given distances. */
  function firstNegative(...negatives: number[]): number {
    const size = negatives.length + 2;
    const values = new Float32Array(size * size);
    values.set([0, 1, ...negatives]);
    const labels = Int32Array.from({ length: size }, (_, i) => (i < 2 ? 0 : 1));
    const [first] = mine('semi-hard', { size, values, largerIsCloser: false }, labels) as [number[]];
    return values[first[2] as number] as number;
  }

  it('takes the nearest negative between the positive and the margin', () => {
    assert.equal(firstNegative(0.5, 1.25, 1.125, 3), 1.125);
  });

  it('takes no negative at the positive or at the margin for semi-hard', () => {
    assert.equal(firstNegative(1, 1.5, 1.25), 1.25);
  });

  it('falls back on the farthest of the harder ones, then on the nearest of the easier ones', () => {
    assert.equal(firstNegative(0.25, 0.75, 1.5), 0.75);
    assert.equal(firstNegative(4, 2, 3), 2);
  });
});
