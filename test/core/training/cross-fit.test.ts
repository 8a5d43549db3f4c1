import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rule } from '../../../core/gallery/rules.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { chooseDecision } from '../../../core/training/choose-decision.ts';
import { MOST_ASKED, crossFit, stratifiedFolds } from '../../../core/training/cross-fit.ts';
import { applyWhitening, withinClassWhitening } from '../../../core/training/whitening.ts';
import { assertClose, normals } from '../../support/numbers.ts';

/** Classes of 8, 5, 4, 3, 2 and 1 pictures. */
const labels = Int32Array.from(
  [8, 5, 4, 3, 2, 1].flatMap((count, label) => Array.from({ length: count }, () => 7 * label)),
);
const WIDTH = 10;
const options = {
  dimensions: WIDTH,
  shrinkages: [0.2, 0.7],
  rules: ['nearest', 'k-nearest', 'class-mean'] as const,
};
const countOf = (rows: Int32Array, label: number): number =>
  rows.filter((row) => labels[row] === label).length;
const ascending = (numbers: Iterable<number>): number[] => [...numbers].toSorted((a, b) => a - b);
const numbersOf = (rows: readonly Int32Array[]): number[] => ascending(rows.flatMap((each) => [...each]));

/** Rows of ten numbers, their class in one of them. */
const features = tf.tensor2d(
  normals(labels.length * WIDTH, 3).map(
    (x, i) => x + (i % WIDTH === (labels[Math.floor(i / WIDTH)] as number) / 7 ? 1 : 0),
  ),
  [labels.length, WIDTH],
);

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
const apart = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0);
const meanOf = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** The rules, written out. */
const RULES: Record<Rule, (query: readonly number[], own: readonly (readonly number[])[]) => number> = {
  nearest: (query, own) => Math.min(...own.map((row) => apart(query, row))),
  'k-nearest': (query, own) => meanOf(ascending(own.map((row) => apart(query, row))).slice(0, 3)),
  'class-mean': (query, own) => {
    const mean = query.map((_, d) => meanOf(own.map((row) => row[d] as number)));
    const length = Math.sqrt(dot(mean, mean));
    return apart(
      query,
      mean.map((x) => x / length),
    );
  },
};

/** By label, how far a row is from each class of the known rows, with a whitening made of some rows. */
function naively(
  row: number,
  known: readonly number[],
  whitenedBy: readonly number[],
  { shrinkage, rule }: { readonly shrinkage: number; readonly rule: Rule },
): Map<number, number> {
  const rows = tf.tidy(() => {
    const whitening = withinClassWhitening(
      tf.gather(features, tf.tensor1d([...whitenedBy], 'int32')),
      Int32Array.from(whitenedBy, (each) => labels[each] as number),
      { dimensions: WIDTH, shrinkage },
    );
    return applyWhitening(features, whitening).arraySync();
  });
  const classes = new Set(known.map((each) => labels[each] as number));
  return new Map(
    [...classes].map((label) => [
      label,
      RULES[rule](
        rows[row] as number[],
        known.filter((each) => labels[each] === label).map((each) => rows[each] as number[]),
      ),
    ]),
  );
}

const all = Array.from(labels, (_, row) => row);
const folds = stratifiedFolds(labels, 4, new Random(1));
/** Six classes in four parts: the first and the fifth, and the second and the sixth, go together. */
const PARTS = [[0, 28], [7, 35], [14], [21]];

describe('cross-fitting', () => {
  it('parts every class evenly, each row once; classes of one picture are only looked at', () => {
    assert.deepEqual(numbersOf(folds), Array.from(labels, (_, row) => row).slice(0, -1));
    assert.deepEqual(
      folds.map((fold) => countOf(fold, 0)),
      [2, 2, 2, 2],
    );
    for (const label of [7, 14, 21, 28]) {
      const counts = folds.map((fold) => countOf(fold, label));
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }
  });

  it('has all rows of a group in one part, and nobody to ask in a class of one group', () => {
    const groups = Int32Array.from(all, (row) => (row < 3 ? 0 : row >= 13 && row < 17 ? 13 : row));
    for (let seed = 0; seed < 10; seed++) {
      const parts = stratifiedFolds(labels, 4, new Random(seed), groups);
      const partOf = (row: number): number => parts.findIndex((part) => part.includes(row));
      assert.deepEqual([partOf(1), partOf(2)], [partOf(0), partOf(0)]);
      assert.deepEqual([13, 14, 15, 16].map(partOf), [-1, -1, -1, -1]);
      assert.equal(numbersOf(parts).length, 8 + 5 + 3 + 2);
    }
  });

  it('has no empty parts', () => {
    assert.deepEqual(
      stratifiedFolds(Int32Array.of(1, 1, 2), 4, new Random(1)).map(({ length }) => length),
      [1, 1],
    );
  });

  for (const [at, way] of options.shrinkages
    .flatMap((shrinkage) => options.rules.map((rule) => ({ shrinkage, rule })))
    .entries()) {
    const name = `by ${way.rule}, shrinkage ${way.shrinkage}`;

    it(`tells every row what whitening and gallery of the other parts tell it: ${name}`, async () => {
      const found = (await crossFit(features, labels, folds, options))[at];
      assert.deepEqual([found?.shrinkage, found?.rule], [way.shrinkage, way.rule]);
      assert.deepEqual(
        found?.leftOut.map(({ row }) => row),
        folds.flatMap((fold) => [...fold]),
      );
      let right = 0;
      for (const { row, own, others } of found?.leftOut ?? []) {
        const fold = folds.find((each) => each.includes(row));
        const known = all.filter((each) => !fold?.includes(each));
        const distances = naively(row, known, known, way);
        const mine = distances.get(labels[row] as number);
        distances.delete(labels[row] as number);
        const nearest = ascending(distances.values());
        assert.equal(own === null, mine === undefined);
        assertClose([own ?? 0, ...others.map(Number)], [mine ?? 0, ...nearest.slice(0, 2)], {
          tolerance: 1e-3,
        });
        if (mine !== undefined && mine < (nearest[0] as number)) right++;
      }
      assert.equal(found?.accuracy, right / (labels.length - 1));
    });

    it(`tells every row as a stranger what whitening and gallery without its class tell it: ${name}`, async () => {
      for (const { row, stranger } of (await crossFit(features, labels, folds, options))[at]?.leftOut ?? []) {
        const part = PARTS.find((classes) => classes.includes(labels[row] as number)) ?? [];
        const known = all.filter((each) => !part.includes(labels[each] as number));
        const nearest = ascending(naively(row, known, known, way).values());
        assertClose([...(stranger ?? [])].map(Number), nearest.slice(0, 2), { tolerance: 1e-3 });
      }
    });

    it(`counts what is right when classes were added that the whitening never saw: ${name}`, async () => {
      let right = 0;
      let asked = 0;
      for (const [i, part] of PARTS.entries()) {
        const fold = folds[i] as Int32Array;
        const known = all.filter((row) => !fold.includes(row));
        const seen = known.filter((row) => !part.includes(labels[row] as number));
        for (const row of fold) {
          const distances = naively(row, known, seen, way);
          const [nearest] = [...distances].toSorted(([, a], [, b]) => a - b);
          if (nearest?.[0] === labels[row]) right++;
          asked++;
        }
      }
      assert.equal((await crossFit(features, labels, folds, options))[at]?.accuracyWithAdded, right / asked);
    });
  }

  it('keeps how far apart two pictures are of classes that the whitening never saw', async () => {
    const way = { shrinkage: 0.7, rule: 'nearest' } as const;
    const { pairs } = (await crossFit(features, labels, folds, options))[3] ?? {};
    const same: number[] = [];
    const different: number[] = [];
    for (const part of PARTS) {
      // The class of one picture is never asked for.
      const rows = all.filter((row) => part.includes(labels[row] as number) && labels[row] !== 35);
      const known = all.filter((row) => !part.includes(labels[row] as number));
      for (const row of rows) {
        for (const other of rows.filter((each) => each > row)) {
          const apartOne = naively(row, [other], known, way);
          (labels[row] === labels[other] ? same : different).push([...apartOne.values()][0] as number);
        }
      }
    }
    assertClose(pairs?.same ?? [], same, { tolerance: 1e-3 });
    assertClose(pairs?.different ?? [], different, { tolerance: 1e-3 });
    assert.ok(same.length > 0 && different.length > 0);
  });

  it('has no strangers where there is a single class, and one other class where there are two', async () => {
    const rows = tf.tensor2d(normals(60, 4), [6, 10]);
    const strangers = async (own: Int32Array) => {
      const [way] = await crossFit(rows, own, [Int32Array.of(0, 3)], options);
      return way?.leftOut.map(({ stranger }) => stranger) ?? [];
    };
    assert.deepEqual(await strangers(Int32Array.of(1, 1, 1, 1, 1, 1)), [undefined, undefined]);
    const ofTwo = await strangers(Int32Array.of(1, 1, 1, 2, 2, 2));
    assert.equal(ofTwo.length, 2);
    for (const [first, second] of ofTwo.map((each) => each ?? [])) {
      assert.ok(first && first > 0);
      assert.equal(second, null);
    }
  });

  it('asks for some of very many, evenly, and can be stopped in between', async () => {
    const many = 2 * MOST_ASKED + 10;
    const rows = tf.tensor2d(normals(many * 2, 6), [many, 2]);
    const own = Int32Array.from({ length: many }, (_, row) => row % 2);
    const parts = stratifiedFolds(own, 2, new Random(1));
    let pauses = 0;
    const pause = async (): Promise<void> => {
      if (++pauses > 2) throw new Error('that is enough');
    };
    const few = { dimensions: 2, shrinkages: [0.2], rules: ['class-mean'] as const };
    const [way] = await crossFit(rows, own, parts, few);
    const [first = 0, second = 0] = [0, 1].map(
      (label) => way?.leftOut.filter(({ row }) => own[row] === label).length,
    );
    assert.ok(first + second <= MOST_ASKED && first + second > MOST_ASKED / 2);
    assert.ok(Math.abs(first - second) < 0.2 * MOST_ASKED);
    await assert.rejects(crossFit(rows, own, parts, { ...few, pause }), /that is enough/);
    rows.dispose();
  });

  it('keeps no tensor', async () => {
    const before = tf.memory().numTensors;
    await crossFit(features, labels, folds, options);
    assert.equal(tf.memory().numTensors, before);
  });
});

describe('the decision', () => {
  const choose = (shrinkages: readonly number[], rules: readonly Rule[], caution: number) =>
    chooseDecision(features, labels, folds, { dimensions: WIDTH, shrinkages, rules, caution });
  const scoreOf = ({
    accuracy,
    accuracyWithAdded,
  }: {
    accuracy: number | null;
    accuracyWithAdded: number | null;
  }) => ((accuracy ?? 0) + (accuracyWithAdded ?? 0)) / 2;

  it('is the rule that tells most right, with and without added classes; the first of equals', async () => {
    for (const rules of [options.rules, options.rules.toReversed()]) {
      const { rule, tried } = await choose([0.2], rules, 0);
      const best = Math.max(...tried.map(scoreOf));
      assert.equal(rule, tried.find((way) => scoreOf(way) === best)?.rule);
      assert.deepEqual(
        tried.filter(({ taken }) => taken).map((way) => way.rule),
        [rule],
      );
      assert.deepEqual(
        tried.map((way) => way.rule),
        rules,
      );
    }
  });

  it('takes another shrinkage than the first only when that is clearly better', async () => {
    // With everything taken for within-class spread and none, something has to differ.
    const shrinkages = [1, 0.2, 1e-6];
    const { tried } = await choose(shrinkages, ['nearest'], 0);
    const scores = tried.map(scoreOf);
    const gain = Math.max(...scores) - (scores[0] as number);
    assert.ok(gain > 0, 'the example has a better one');
    const asked = Math.sqrt(labels.length - 1);
    assert.equal(
      scores[shrinkages.indexOf((await choose(shrinkages, ['nearest'], 0.9 * gain * asked)).shrinkage)],
      Math.max(...scores),
    );
    assert.equal((await choose(shrinkages, ['nearest'], 1.1 * gain * asked)).shrinkage, 1);
  });

  it('is the first of everything when nothing can be asked', async () => {
    const { rule, shrinkage, leftOut, tried } = await chooseDecision(features, Int32Array.from(all), [], {
      ...options,
      caution: 0,
    });
    assert.deepEqual([rule, shrinkage, leftOut], ['nearest', 0.2, []]);
    assert.deepEqual(
      tried.map(({ accuracy, accuracyWithAdded }) => [accuracy, accuracyWithAdded]),
      tried.map(() => [null, null]),
    );
  });
});
