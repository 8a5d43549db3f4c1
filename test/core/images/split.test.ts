import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import { dataSetOf, picturesByClass } from '../../../core/images/dataset.ts';
import type { DataSet, Picture } from '../../../core/images/dataset.ts';
import { splitDataSet } from '../../../core/images/split.ts';
import type { SamePicture } from '../../../core/images/same-picture.ts';
import { Random } from '../../../core/random.ts';

/** A data set with so many pictures in classes c0, c1 ...; every content is its own unless `sha256` says otherwise. */
function sized(counts: readonly number[], sha256: (key: string) => string = (key) => key): DataSet {
  const pictures = counts.flatMap((count, c) =>
    Array.from({ length: count }, (_, i): Picture => {
      const key = `c${c}/${i}.png`;
      return { key, className: `c${c}`, sha256: sha256(key), read: () => Promise.resolve(new Uint8Array()) };
    }),
  );
  return dataSetOf('sized', pictures);
}

function sizes(dataSet: DataSet): Record<string, number> {
  return Object.fromEntries([...picturesByClass(dataSet)].map(([name, pictures]) => [name, pictures.length]));
}

function keys(dataSet: DataSet): string[] {
  return dataSet.pictures.map((picture) => picture.key);
}

test('each class gives its share, and two pictures stay with it', () => {
  const { training, heldOut } = splitDataSet(sized([1, 2, 3, 4, 10, 33]), 0.2, new Random(1));
  assert.deepEqual(sizes(heldOut), { c2: 1, c3: 1, c4: 2, c5: 7 });
  assert.deepEqual(sizes(training), { c0: 1, c1: 2, c2: 2, c3: 3, c4: 8, c5: 26 });
});

test('however large the share, two pictures of a class stay in training', () => {
  const { training } = splitDataSet(sized([1, 2, 3, 50]), 0.99, new Random(1));
  assert.deepEqual(sizes(training), { c0: 1, c1: 2, c2: 2, c3: 2 });
});

test('every picture is on exactly one side, in the order of the data set', () => {
  const whole = sized([5, 7, 12]);
  const { training, heldOut } = splitDataSet(whole, 0.3, new Random(2));
  assert.deepEqual([...keys(training), ...keys(heldOut)].sort(), keys(whole).sort());
  assert.deepEqual(keys(training), keys(training).sort());
  assert.deepEqual(keys(heldOut), keys(heldOut).sort());
});

test('the same seed gives the same split, another one another', () => {
  const held = (seed: number) => keys(splitDataSet(sized([30, 30]), 0.3, new Random(seed)).heldOut);
  assert.deepEqual(held(5), held(5));
  assert.notDeepEqual(held(5), held(6));
});

test('over many seeds every picture is held out equally often', () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 2000; seed++) {
    for (const key of keys(splitDataSet(sized([10]), 0.3, new Random(seed)).heldOut)) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  // 600 expected each, with a standard deviation of 20.
  for (const [key, count] of counts) assert.ok(Math.abs(count - 600) < 100, `${key}: ${count}`);
  assert.equal(counts.size, 10);
});

test('a picture that is under two classes is never held out', () => {
  const twice = (key: string) => (key.endsWith('/0.png') ? 'the same' : key);
  for (let seed = 0; seed < 50; seed++) {
    const { heldOut } = splitDataSet(sized([4, 4], twice), 0.5, new Random(seed));
    assert.ok(!keys(heldOut).some((key) => key.endsWith('/0.png')));
    assert.deepEqual(sizes(heldOut), { c0: 2, c1: 2 });
  }
});

test('files that show the same picture are on one side, and so are those of the same picture in turn', () => {
  const whole = sized([10, 4, 3]);
  const at = (key: string): Picture => whole.pictures.find((picture) => picture.key === key) as Picture;
  const same = [
    // Of ten pictures three are one; then two pairs, each more than the share; then all of a class.
    ['c0/7.png', 'c0/1.png'],
    ['c0/7.png', 'c0/4.png'],
    ['c1/0.png', 'c1/1.png'],
    ['c1/2.png', 'c1/3.png'],
    ['c2/0.png', 'c2/1.png'],
    ['c2/1.png', 'c2/2.png'],
  ].map(([a = '', b = '']): SamePicture => [at(a), at(b)]);
  const together = ['c0/1.png', 'c0/4.png', 'c0/7.png'];
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const { training, heldOut } = splitDataSet(whole, 0.3, new Random(seed), same);
    const judged = keys(heldOut);
    const count = together.filter((key) => judged.includes(key)).length;
    seen.add(count);
    assert.deepEqual(sizes(heldOut), { c0: 3, c1: 2 });
    assert.ok(['c1/0.png,c1/1.png', 'c1/2.png,c1/3.png'].includes(String(judged.slice(3))));
    assert.equal(training.pictures.length, 12);
  }
  assert.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [0, 3],
  );
});

test('nothing is held out at a share of 0, and shares outside 0 to 1 are errors', () => {
  const { training, heldOut } = splitDataSet(sized([5, 5]), 0, new Random(1));
  assert.equal(training.pictures.length, 10);
  assert.deepEqual([heldOut.classes, heldOut.pictures], [[], []]);
  for (const wrong of [-0.1, 1, 20, Number.NaN]) {
    assert.throws(() => splitDataSet(sized([5, 5]), wrong, new Random(1)), InvalidInputError);
  }
});
