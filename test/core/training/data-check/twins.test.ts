import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Tensor2D } from '@tensorflow/tfjs-node';
import type { Picture } from '../../../../core/images/dataset.ts';
import { openDataSet } from '../../../../core/images/open-dataset.ts';
import { digest } from '../../../../core/images/picture.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { candidatesOf } from '../../../../core/training/data-check/candidates.ts';
import { findTwins, samePictures } from '../../../../core/training/data-check/twins.ts';
import { Random } from '../../../../core/random.ts';
import { copies, encoded, samples } from './pictures.ts';

const SAMPLES = fileURLToPath(new URL('../../../../samples/clothing10/', import.meta.url));

/** Features that hold no two pictures apart: only pixels count. */
const noFeatures = (count: number): Tensor2D => tf.ones([count, 1]);

const picture = (key: string, bytes: Uint8Array): Picture => ({
  key,
  className: 'a',
  sha256: digest(bytes),
  read: async () => bytes,
});

describe('twins', () => {
  it('are no two of 270 different garments on like grounds', async () => {
    const parts = ['train', 'test'].map((part) => openDataSet(fsStore(path.join(SAMPLES, part)), ''));
    const pictures = (await Promise.all(parts)).flatMap((part) => part.pictures);
    assert.equal(pictures.length, 270);
    assert.deepEqual(await findTwins(pictures, null), []);
  });

  it('are found where the pictures bring no thumbnails, and files of the same bytes once each', async () => {
    const [one, other] = [await encoded(1), await encoded(2)];
    const pictures = [picture('a/1', one), picture('a/2', other), picture('a/3', one), picture('a/4', one)];
    const twins = await findTwins(pictures, null);
    assert.deepEqual(
      twins.map(({ a, b, likeness, isMirrored }) => [a, b, likeness, isMirrored]),
      [
        [0, 2, 1, false],
        [0, 3, 1, false],
      ],
    );
  });
});

describe('pictures that show the same', () => {
  const of = (key: string, bytes: Uint8Array): Picture => ({
    ...picture(key, bytes),
    className: key.split('/')[0] ?? '',
  });

  it('are known before any feature is, but for mirrored ones of another class', async () => {
    const [hat, pants] = ['hat', 'pants'].map((name) => samples(name, 1)[0]?.[1]) as [Buffer, Buffer];
    const small = (await copies['resized']?.(hat)) as Uint8Array;
    const turned = (await copies['mirrored']?.(hat)) as Uint8Array;
    const others = await Promise.all([1, 2].map((seed) => encoded(seed)));
    const pictures = [
      of('hat/1', hat),
      of('hat/2', small),
      of('hat/3', turned),
      of('pants/1', pants),
      of('pants/2', (await copies['brightened']?.(hat)) as Uint8Array),
      of('pants/3', turned),
      of('pants/4', others[0] as Uint8Array),
      of('shoes/1', others[1] as Uint8Array),
    ];
    const pairs = (await samePictures(pictures)).map(([a, b]) => `${a.key} ${b.key}`).toSorted();
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
  const unit = (): Float32Array => {
    const row = Float32Array.from({ length: 192 }, () => random.normal());
    const length = Math.hypot(...row);
    return row.map((value) => value / length);
  };
  const near = (row: Float32Array): Float32Array => {
    const moved = row.map((value) => value + 0.02 * random.normal());
    const length = Math.hypot(...moved);
    return moved.map((value) => value / length);
  };

  it('are the pairs that loops over everything find, also across blocks', () => {
    const rows = Array.from({ length: 1500 }, unit);
    for (const [a, b] of [
      [3, 9],
      [5, 1400],
      [1100, 1101],
    ] as const) {
      rows[b] = near(rows[a] as Float32Array);
    }
    const turned = rows.map(unit);
    turned[1300] = near(rows[17] as Float32Array);
    const thumbnails = rows.map((as, i) => ({ as, mirrored: turned[i] as Float32Array }));
    const found = candidatesOf(thumbnails, noFeatures(rows.length));

    const dot = (p: Float32Array, q: Float32Array): number => {
      let sum = 0;
      for (let i = 0; i < p.length; i++) sum += (p[i] as number) * (q[i] as number);
      return sum;
    };
    const expected: [number, number, boolean, boolean][] = [];
    for (const [a, { as }] of thumbnails.entries()) {
      for (let b = a + 1; b < thumbnails.length; b++) {
        const other = thumbnails[b] as (typeof thumbnails)[number];
        const [straight, mirrored] = [dot(as, other.as), dot(as, other.mirrored)];
        if (Math.max(straight, mirrored) >= 0.85) expected.push([a, b, straight >= 0.85, mirrored >= 0.85]);
      }
    }
    assert.equal(expected.length, 4);
    assert.deepEqual(
      found
        .map(({ a, b, mayBe }) => [a, b, mayBe.straight, mayBe.mirrored])
        .toSorted((p, q) => Number(p[0]) - Number(q[0])),
      expected.toSorted((p, q) => p[0] - q[0]),
    );
  });

  it('are few for each picture where all are alike, and none where the features differ', () => {
    const row = unit();
    const thumbnails = Array.from({ length: 60 }, () => ({ as: near(row), mirrored: unit() }));
    const found = candidatesOf([...thumbnails, null], noFeatures(61));
    assert.ok(found.length >= 60 && found.length <= 60 * 8, String(found.length));
    assert.deepEqual(candidatesOf(thumbnails, tf.eye(60)), []);
  });
});
