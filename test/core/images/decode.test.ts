import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidInputError, UnreadableImageError } from '../../../core/errors.ts';
import { decodeImage } from '../../../core/images/decode.ts';
import type { Pixels, Preprocessing } from '../../../core/images/pixels.ts';
import { sharp } from '../../../core/images/vips.ts';
import { Random } from '../../../core/random.ts';
import { png } from './encoders.ts';
import { largestDifference, naiveTriangle, pattern, rearranged, squash } from './patterns.ts';

const SIZE = 24;
const square = pattern(SIZE, SIZE);

function encoder({ width, height, data }: Pixels) {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

async function decoded(bytes: Uint8Array, size = SIZE): Promise<Uint8Array> {
  const pixels = await decodeImage(bytes, squash(size));
  assert.deepEqual([pixels.width, pixels.height], [size, size]);
  return pixels.data;
}

test('a PNG that was written by hand comes back as it is', async () => {
  assert.deepEqual(await decoded(png(SIZE, SIZE, square.data)), square.data);
});

test('every allowed format gives the picture, exactly where nothing is lost', async () => {
  const source = encoder(square);
  const cases: readonly (readonly [Promise<Uint8Array>, tolerance: number])[] = [
    [source.clone().png().toBuffer(), 0],
    [source.clone().webp({ lossless: true }).toBuffer(), 0],
    [source.clone().tiff({ compression: 'lzw' }).toBuffer(), 0],
    [source.clone().tiff({ compression: 'deflate', tile: true, bigtiff: true }).toBuffer(), 0],
    [source.clone().avif({ lossless: true }).toBuffer(), 3],
    [source.clone().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(), 6],
    [source.clone().gif({ dither: 0 }).toBuffer(), 60],
  ];
  for (const [bytes, tolerance] of cases) {
    const difference = largestDifference(await decoded(await bytes), square.data);
    assert.ok(difference <= tolerance, `${difference}`);
  }
});

test('a progressive JPEG gives what a baseline one does', async () => {
  const options = { quality: 90, optimiseCoding: false, optimiseScans: false, trellisQuantisation: false };
  const baseline = await encoder(square)
    .jpeg({ ...options, progressive: false })
    .toBuffer();
  const progressive = await encoder(square)
    .jpeg({ ...options, progressive: true })
    .toBuffer();
  assert.notDeepEqual(progressive, baseline);
  assert.deepEqual(await decoded(progressive), await decoded(baseline));
});

test('a picture of one pixel fills the square', async () => {
  const data = await decoded(png(1, 1, [10, 20, 30]), 5);
  assert.deepEqual([...data], Array.from({ length: 25 }, () => [10, 20, 30]).flat());
});

test('a picture of 1 x 5000 is squashed like any other', async () => {
  const tall = pattern(1, 5000);
  const wide = rearranged(tall, 5000, 1, (x) => [0, x]);
  const expected = naiveTriangle(tall, 8);

  const fromTall = await decoded(png(1, 5000, tall.data), 8);
  const fromWide = await decoded(png(5000, 1, wide.data), 8);

  assert.ok(largestDifference(fromTall, expected) <= 5);
  const turned = rearranged({ width: 8, height: 8, data: fromWide }, 8, 8, (x, y) => [y, x]);
  assert.ok(largestDifference(turned.data, expected) <= 5);
});

test('shrinking weighs all pixels, enlarging goes from centre to centre', async () => {
  for (const [width, height] of [
    [96, 96],
    [50, 31],
    [24, 100],
    [7, 11],
    [10, 60],
  ] as const) {
    const picture = pattern(width, height);
    const difference = largestDifference(
      await decoded(png(width, height, picture.data)),
      naiveTriangle(picture, SIZE),
    );
    assert.ok(difference <= 2.5, `${width} x ${height}: ${difference}`);
  }
});

test('a large JPEG, which is shrunk while it is loaded, is the same picture', async () => {
  const large = pattern(400, 300);
  const bytes = await encoder(large).jpeg({ quality: 95 }).toBuffer();
  assert.ok(largestDifference(await decoded(bytes), naiveTriangle(large, SIZE)) <= 5);
});

test('each kernel keeps a flat picture flat and a steady slope steady', async () => {
  const flat = png(9, 40, new Uint8Array(9 * 40 * 3).fill(77));
  const slope = png(
    8,
    8,
    Array.from({ length: 192 }, (_, i) => 16 * (Math.floor(i / 3) % 8)),
  );
  for (const kernel of ['linear', 'cubic', 'lanczos3'] as const) {
    const even = await decodeImage(flat, squash(SIZE, kernel));
    assert.deepEqual(even.data, new Uint8Array(SIZE * SIZE * 3).fill(77));
    const rising = await decodeImage(slope, squash(16, kernel));
    for (let x = 6; x < 10; x++) {
      assert.ok(Math.abs(rising.data[x * 3]! - 16 * ((x + 0.5) / 2 - 0.5)) <= 1, `${kernel} ${x}`);
    }
  }
});

test('a JPEG that is cut short is an error wherever the cut is, not a half-grey picture', async () => {
  const whole = await encoder(pattern(200, 200)).jpeg().toBuffer();
  for (const share of [0.3, 0.6, 0.9, 0.99]) {
    const cut = whole.subarray(0, Math.floor(whole.length * share));
    await assert.rejects(decoded(cut), (error: Error) => {
      return error instanceof UnreadableImageError && /JPEG is damaged or cut short/.test(error.message);
    });
    if (share > 0.95) continue; // of a closed file the last few blocks may go unnoticed
    const closed = Buffer.concat([cut, Buffer.from([0xff, 0xd9])]);
    await assert.rejects(decoded(closed), /JPEG is damaged or cut short/, `closed at ${share}`);
  }
});

test('pictures of the other formats that are cut short are errors too', async () => {
  const source = encoder(pattern(200, 200));
  for (const format of ['png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    const whole = await source.clone().toFormat(format).toBuffer();
    for (const share of [0.5, 0.9]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await assert.rejects(decoded(cut), UnreadableImageError, `${format} ${share}`);
    }
  }
});

test('bytes damaged at random give a picture or a clear error, never anything else', async () => {
  const random = new Random(7);
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    const whole = await encoder(square).toFormat(format).toBuffer();
    for (let round = 0; round < 30; round++) {
      const damagedBytes = Buffer.from(whole);
      for (let i = 0; i <= random.below(6); i++) damagedBytes[random.below(whole.length)] = random.below(256);
      await decoded(damagedBytes).catch((error: unknown) => assert.ok(error instanceof UnreadableImageError));
    }
  }
});

test('harmless oddities of a JPEG are forgiven', async () => {
  const whole = await encoder(square).jpeg({ progressive: false }).toBuffer();
  const expected = await decoded(whole);
  const scan = whole.indexOf(Buffer.from('ffda', 'hex'));
  const spectralEnd = scan + 4 + 1 + whole[scan + 4]! * 2 + 1;

  const padded = Buffer.concat([whole.subarray(0, scan), Buffer.alloc(3), whole.subarray(scan)]);
  const trailed = Buffer.concat([whole, Buffer.from('and a note of the camera')]);
  // As some phones of 2015 write it.
  const samsung = Buffer.from(whole);
  samsung[spectralEnd] = 0;

  for (const odd of [padded, trailed, samsung]) assert.deepEqual(await decoded(odd), expected);
});

test('the bytes given are not changed', async () => {
  const bytes = await encoder(square).jpeg().toBuffer();
  const before = Buffer.from(bytes);
  await decoded(bytes);
  assert.deepEqual(bytes, before);
});

test('a view into a larger buffer is read as the view alone', async () => {
  const bytes = png(SIZE, SIZE, square.data);
  const larger = Buffer.concat([Buffer.alloc(5, 1), bytes, Buffer.alloc(5, 1)]);
  assert.deepEqual(await decoded(larger.subarray(5, 5 + bytes.length)), square.data);
});

test('many pictures at once do not disturb each other', async () => {
  const shades = Array.from({ length: 40 }, (_, i) => i * 6);
  const pictures = await Promise.all(
    shades.map((shade) => decoded(png(3, 3, new Uint8Array(27).fill(shade)), 3)),
  );
  shades.forEach((shade, i) => assert.deepEqual(pictures[i], new Uint8Array(27).fill(shade)));
});

test('preprocessing that there is not is an error of the caller', async () => {
  const picture = png(1, 1, [0, 0, 0]);
  for (const wrong of [
    { ...squash(0) },
    { ...squash(1.5) },
    { ...squash(100_000) },
    { ...squash(8), fit: 'crop' },
    { ...squash(8), kernel: 'nearest' },
  ]) {
    await assert.rejects(decodeImage(picture, wrong as Preprocessing), InvalidInputError);
  }
});
