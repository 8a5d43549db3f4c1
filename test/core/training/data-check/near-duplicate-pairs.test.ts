import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Picture } from '../../../../core/images/dataset.ts';
import { openDataSet } from '../../../../core/images/open-dataset.ts';
import { digest } from '../../../../core/images/picture.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { Random } from '../../../../core/random.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import {
  candidatesOf,
  findNearDuplicates,
  inseparablePairs,
} from '../../../../core/training/data-check/near-duplicate-pairs.ts';
import { copies, encoded, samples } from './pictures.ts';

const SAMPLES = fileURLToPath(new URL('../../../../samples/clothing10/', import.meta.url));

const image = (key: string, bytes: Uint8Array): Picture => ({
  key,
  className: key.split('/')[0] ?? '',
  sha256: digest(bytes),
  read: async () => bytes,
});

describe('near-duplicates', () => {
  it('are no two of 270 different garments on like grounds', async () => {
    const parts = ['train', 'test'].map((part) => openDataSet(fsStore(path.join(SAMPLES, part)), ''));
    const images = (await Promise.all(parts)).flatMap((part) => part.pictures);
    assert.equal(images.length, 270);
    assert.deepEqual(await findNearDuplicates(images), []);
  });

  for (const [how, copy] of Object.entries(copies)) {
    it(`are an image and its copy, ${how}`, async () => {
      const originals = ['hat', 'skirt', 'shoes', 'outwear'].flatMap((name) =>
        samples(name, 2).map(([file, bytes]) => [`${name}/${file}`, bytes] as const),
      );
      const copied = originals.map(async ([key, bytes]) => image(`${key} copy`, await copy(bytes)));
      const images = [...originals.map(([key, bytes]) => image(key, bytes)), ...(await Promise.all(copied))];

      const found = await findNearDuplicates(images);

      assert.deepEqual(
        found.map(({ a, b, isMirrored }) => [a, b, isMirrored]).toSorted(([p], [q]) => Number(p) - Number(q)),
        originals.map((_, row) => [row, row + originals.length, how === 'mirrored']),
      );
      assert.ok(found.every(({ similarity }) => similarity >= 0.98 && similarity < 1));
    });
  }

  it('are found where images bring no thumbnails, and files of the same bytes once each', async () => {
    const [one, other] = [await encoded(1), await encoded(2)];
    const images = [image('a/1', one), image('a/2', other), image('a/3', one), image('a/4', one)];
    const tensors = tf.memory().numTensors;
    const found = await findNearDuplicates(images);
    assert.deepEqual(
      found.map(({ a, b, similarity, isMirrored }) => [a, b, similarity, isMirrored]),
      [
        [0, 2, 1, false],
        [0, 3, 1, false],
      ],
    );
    assert.equal(tf.memory().numTensors, tensors);
  });

  it('are no two images of one colour, nor files that are no images', async () => {
    const plain = (red: number): Promise<Buffer> =>
      sharp({ create: { width: 64, height: 64, channels: 3, background: { r: red, g: 0, b: 0 } } })
        .png()
        .toBuffer();
    const images = [
      image('a/1', await plain(9)),
      image('a/2', await plain(10)),
      image('a/3', Buffer.from('no image')),
      image('a/4', Buffer.from('nor this')),
    ];
    assert.deepEqual(await findNearDuplicates(images), []);
    assert.deepEqual(await findNearDuplicates([]), []);
  });
});

describe('pairs that a split must not separate', () => {
  it('are all but mirrored ones of two classes', async () => {
    const [hat, pants] = ['hat', 'pants'].map((name) => samples(name, 1)[0]?.[1]) as [Buffer, Buffer];
    const small = (await copies['resized']?.(hat)) as Uint8Array;
    const turned = (await copies['mirrored']?.(hat)) as Uint8Array;
    const others = await Promise.all([1, 2].map((seed) => encoded(seed)));
    const images = [
      image('hat/1', hat),
      image('hat/2', small),
      image('hat/3', turned),
      image('pants/1', pants),
      image('pants/2', (await copies['brightened']?.(hat)) as Uint8Array),
      image('pants/3', turned),
      image('pants/4', others[0] as Uint8Array),
      image('shoes/1', others[1] as Uint8Array),
    ];
    const pairs = (await inseparablePairs(images)).map(([a, b]) => `${a.key} ${b.key}`).toSorted();
    assert.deepEqual(pairs, [
      'hat/1 hat/2',
      'hat/1 hat/3',
      'hat/1 pants/2',
      'hat/2 hat/3',
      'hat/2 pants/2',
      'hat/3 pants/3',
      'pants/2 pants/3',
    ]);
  });
});

describe('candidates', () => {
  const random = new Random(5);
  const draw = (): Float32Array => Float32Array.from({ length: 192 }, () => 100 + 40 * random.normal());
  const near = (row: Float32Array): Float32Array => row.map((value) => 3 + 0.8 * value + random.normal());
  const swapped = (row: Float32Array): Float32Array =>
    row.map((_, i) => row[Math.floor(i / 24) * 24 + (7 - (Math.floor(i / 3) % 8)) * 3 + (i % 3)] as number);

  /** The correlation of all values, each channel centred on its mean. */
  function correlation(p: Float32Array, q: Float32Array): number {
    const centred = (row: Float32Array): number[] => {
      const mean = (channel: number): number =>
        row.reduce((sum, value, i) => (i % 3 === channel ? sum + value / 64 : sum), 0);
      const means = [mean(0), mean(1), mean(2)];
      return Array.from(row, (value, i) => value - (means[i % 3] as number));
    };
    const [a, b] = [centred(p), centred(q)];
    const dot = (x: number[], y: number[]): number =>
      x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  }

  it('are the pairs that loops over everything find, also across blocks', () => {
    const rows = Array.from({ length: 600 }, draw);
    for (const [a, b] of [
      [3, 9],
      [5, 590],
      [520, 521],
    ] as const) {
      rows[b] = near(rows[a] as Float32Array);
    }
    rows[530] = swapped(near(rows[17] as Float32Array));
    const expected: [number, number, boolean][] = [];
    for (const [a, row] of rows.entries()) {
      if (![3, 5, 17, 520, 100].includes(a)) continue;
      for (let b = a + 1; b < rows.length; b++) {
        const other = rows[b] as Float32Array;
        if (correlation(row, other) >= 0.85) expected.push([a, b, false]);
        if (correlation(row, swapped(other)) >= 0.85) expected.push([a, b, true]);
      }
    }
    assert.equal(expected.length, 4);
    assert.deepEqual(
      candidatesOf(rows)
        .map(({ a, b, isMirrored }) => [a, b, isMirrored])
        .toSorted(([p], [q]) => Number(p) - Number(q)),
      expected,
    );
  });

  it('are few for each image where all are alike', () => {
    const row = draw();
    const found = candidatesOf(Array.from({ length: 60 }, () => near(row)));
    assert.ok(found.length >= 60 && found.length <= 60 * 18, String(found.length));
  });
});
