import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import { usedLevels } from '../../../core/images/levels.ts';
import { sharp } from '../../../core/images/vips.ts';
import { png, tiff } from './encoders.ts';
import { largestDifference, pattern, squash } from './patterns.ts';

const SIDE = 32;
/** 0 to 255, all of them. */
const scene = Array.from({ length: SIDE * SIDE }, (_, i) => (i * 37) % 256);

async function decoded(bytes: Uint8Array): Promise<Uint8Array> {
  return (await decodeImage(bytes, squash(SIDE))).data;
}

const grey = (values: readonly number[]): number[] => values.flatMap((value) => [value, value, value]);

function words(values: readonly number[]): Buffer {
  return Buffer.from(Uint16Array.from(values).buffer);
}

test('grey of 8 to 15 bits in 16 is what it is in 8', async () => {
  for (let bits = 8; bits <= 15; bits++) {
    const samples = scene.map((value) => Math.round((value / 255) * (2 ** bits - 1)));
    const found = await decodeImage(png(SIDE, SIDE, samples, { colour: 0, depth: 16 }), squash(SIDE));
    assert.ok(largestDifference(found.data, grey(scene)) <= 1, `${bits} bits`);
    assert.deepEqual(found.levels, { black: 0, white: 2 ** bits - 1 });
    const asTiff = tiff(SIDE, SIDE, words(samples), { photometric: 1, channels: 1, bits: 16 });
    assert.ok(largestDifference(await decoded(asTiff), grey(scene)) <= 1, `${bits} bits in a TIFF`);
  }
});

test('where 0 is white, the range is found from white on', async () => {
  const samples = scene.map((value) => (255 - value) * 16);
  const found = await decoded(tiff(SIDE, SIDE, words(samples), { photometric: 0, channels: 1, bits: 16 }));
  assert.ok(largestDifference(found, grey(scene)) <= 1);
});

test('all of 16 bits is left as it is, also in a dark photo with a few lights', async () => {
  const photo = scene.map((value) => value * 40);
  photo.fill(65_535, 0, 8);
  const found = await decodeImage(png(SIDE, SIDE, photo, { colour: 0, depth: 16 }), squash(SIDE));
  assert.deepEqual(found.levels, { black: 0, white: 65_535 });
  assert.ok(largestDifference(found.data, grey(photo.map((value) => value / 257))) <= 1);
});

test('a narrow range far from black is stretched from end to end', async () => {
  const heat = scene.map((value) => 29_000 + 8 * value);
  const found = await decodeImage(png(SIDE, SIDE, heat, { colour: 0, depth: 16 }), squash(SIDE));
  assert.deepEqual(found.levels, { black: 29_000, white: 29_000 + 8 * 255 });
  assert.ok(largestDifference(found.data, grey(scene)) <= 1);
});

test('one level, and the noise about one, are not stretched', async () => {
  for (const noise of [0, 1, 20]) {
    const blank = scene.map((value) => 40_000 + (value % (noise + 1)));
    const found = await decoded(png(SIDE, SIDE, blank, { colour: 0, depth: 16 }));
    assert.ok(found.every((value) => Math.abs(value - 40_000 / 257) <= 1));
  }
  const black = scene.map(() => 0);
  assert.deepEqual(
    await decoded(png(SIDE, SIDE, black, { colour: 0, depth: 16 })),
    new Uint8Array(SIDE * SIDE * 3),
  );
});

test('colours are stretched together, and transparency is not', async () => {
  const { data } = pattern(SIDE, SIDE);
  const rgba = Array.from({ length: SIDE * SIDE * 4 }, (_, i) =>
    i % 4 === 3 ? (i % 8 === 3 ? 65_535 : 0) : data[Math.floor(i / 4) * 3 + (i % 4)]! * 16,
  );
  const found = await decoded(png(SIDE, SIDE, rgba, { colour: 6, depth: 16 }));
  const expected = data.map((value, i) => (Math.floor(i / 3) % 2 === 0 ? value : 255));
  assert.ok(largestDifference(found, expected) <= 1);
});

test('pixels that are stuck do not decide', () => {
  const samples = Uint16Array.from({ length: 20_000 }, (_, i) => i % 4000);
  samples.set([65_535, 65_535], 7);
  assert.deepEqual(usedLevels(samples, 1, 1), { black: 0, white: 4095 });
});

test('the levels of an image do not depend on the size that is wanted', async () => {
  const large = Array.from({ length: 300 * 200 }, (_, i) => (i % 2 === 0 ? 0 : 900));
  const bytes = png(300, 200, large, { colour: 0, depth: 16 });
  for (const size of [8, 100, 400]) {
    assert.deepEqual((await decodeImage(bytes, squash(size))).levels, { black: 0, white: 1023 });
  }
});

test('an image of 8 bits has no levels to be found', async () => {
  const bytes = await sharp(Buffer.alloc(48, 7), { raw: { width: 4, height: 4, channels: 3 } })
    .png()
    .toBuffer();
  assert.equal((await decodeImage(bytes, squash(4))).levels, undefined);
});
