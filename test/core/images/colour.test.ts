import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { decodeImage } from '../../../core/images/decode.ts';
import { sharp } from '../../../core/images/vips.ts';
import { gif, png, pngChunk, tiff } from './encoders.ts';
import { largestDifference, pattern, squash } from './patterns.ts';

const SIZE = 16;
const COUNT = SIZE * SIZE;

async function decoded(bytes: Uint8Array): Promise<number[]> {
  return [...(await decodeImage(bytes, squash(SIZE))).data];
}

function samples(count: number, sample: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => sample(i));
}

/** Each value three times: grey as RGB. */
function grey(values: readonly number[]): number[] {
  return values.flatMap((value) => [value, value, value]);
}

test('grey of 1, 8 and 16 bits becomes RGB', async () => {
  const bits = samples(COUNT, (i) => (i >> 2) & 1);
  assert.deepEqual(
    await decoded(png(SIZE, SIZE, bits, { colour: 0, depth: 1 })),
    grey(bits.map((b) => b * 255)),
  );

  const bytes = samples(COUNT, (i) => i);
  assert.deepEqual(await decoded(png(SIZE, SIZE, bytes, { colour: 0 })), grey(bytes));

  const words = samples(COUNT, (i) => i * 257 - (i > 0 ? 99 : 0));
  const found = await decoded(png(SIZE, SIZE, words, { colour: 0, depth: 16 }));
  assert.ok(largestDifference(found, grey(words.map((word) => word / 257))) <= 1);
});

test('a grey JPEG becomes RGB', async () => {
  const bytes = await sharp(Buffer.alloc(COUNT, 90), { raw: { width: SIZE, height: SIZE, channels: 1 } })
    .jpeg()
    .toBuffer();
  assert.deepEqual(await decoded(bytes), grey(samples(COUNT, () => 90)));
});

test('RGB of 16 bits becomes RGB of 8', async () => {
  const words = samples(COUNT * 3, (i) => (i * 7919) % 65_536);
  const found = await decoded(png(SIZE, SIZE, words, { colour: 2, depth: 16 }));
  assert.ok(
    largestDifference(
      found,
      words.map((word) => word / 257),
    ) <= 1,
  );
});

test('transparency lies over white, in 8 and in 16 bits, with colour and with grey', async () => {
  for (const [depth, most] of [
    [8, 255],
    [16, 65_535],
  ] as const) {
    for (const [colour, channels] of [
      [4, 2],
      [6, 4],
    ] as const) {
      const values = samples(COUNT * channels, (i) => (i * 40_503) % (most + 1));
      const expected = samples(COUNT, (i) => i).flatMap((i) => {
        const opacity = values[i * channels + channels - 1]! / most;
        return [0, 1, 2].map((c) => {
          const ink = values[i * channels + (channels === 2 ? 0 : c)]! / most;
          return 255 * (ink * opacity + 1 - opacity);
        });
      });
      const found = await decoded(png(SIZE, SIZE, values, { colour, depth }));
      assert.ok(largestDifference(found, expected) <= 1.5, `${colour} at ${depth} bits`);
    }
  }
});

test('what is under full transparency does not shine through a shrunk edge', async () => {
  const values = samples(64 * 64, (i) => i % 64).flatMap((x) => (x < 32 ? [0, 0, 0, 255] : [255, 0, 0, 0]));
  const found = await decoded(png(64, 64, values, { colour: 6 }));
  for (let i = 0; i < found.length; i += 3) {
    assert.deepEqual([found[i + 1], found[i + 2]], [found[i], found[i]], 'no colour anywhere');
  }
});

test('a palette is looked up, with its transparency', async () => {
  const palette = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [9, 8, 7],
  ] as const;
  const indices = samples(COUNT, (i) => i % 4);
  const extra = [pngChunk('PLTE', Buffer.from(palette.flat())), pngChunk('tRNS', Buffer.from([255, 0, 255]))];
  const found = await decoded(png(SIZE, SIZE, indices, { colour: 3, extra }));
  assert.deepEqual(
    found,
    indices.flatMap((i) => (i === 1 ? [255, 255, 255] : palette[i]!)),
  );
});

test('inks without a profile are mixed as ideal inks', async () => {
  const inks = samples(COUNT * 4, (i) => (i * 37) % 256);
  const expected = samples(COUNT * 3, (i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    return 255 * (1 - inks[pixel * 4 + channel]! / 255) * (1 - inks[pixel * 4 + 3]! / 255);
  });
  const found = await decoded(tiff(SIZE, SIZE, Buffer.from(inks), { photometric: 5, channels: 4 }));
  assert.ok(largestDifference(found, expected) <= 0.51);
});

test("inks are the right way round in a JPEG with Adobe's marker, which holds them inverted", async () => {
  // 32 x 8, four areas, written by Pillow: Image.new('CMYK', ...).save(..., quality=100, subsampling=0).
  const bytes = Buffer.from(
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB' +
      'AQEBAQEBAQEB/8AAFAgACAAgBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAsKAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAO' +
      'BEMATQBZAEsAAD8AP/X8L+F/B/gAOAHZj/B/gAOn/Yf+b4f/2Q==',
    'base64',
  );
  const { data } = await decodeImage(bytes, squash(32));
  const colours = [4, 12, 20, 28].map((x) => [...data.subarray((16 * 32 + x) * 3, (16 * 32 + x) * 3 + 3)]);
  assert.deepEqual(colours, [
    [0, 255, 255],
    [255, 0, 0],
    [0, 0, 0],
    [167, 223, 111],
  ]);
});

test('inks with a profile go through it', async () => {
  const muted = samples(COUNT, () => 0).flatMap(() => [140, 110, 90]);
  const raw = { width: SIZE, height: SIZE, channels: 3 } as const;
  const bytes = await sharp(Buffer.from(muted), { raw })
    .withIccProfile('cmyk')
    .jpeg({ quality: 100 })
    .toBuffer();
  const { space, icc } = await sharp(bytes).metadata();
  assert.ok(space === 'cmyk' && icc !== undefined);
  // There and back by the perceptual intent is not exact; without the profile it would be 31 off.
  assert.ok(largestDifference(await decoded(bytes), muted) <= 20);
});

/** Display P3 to sRGB, both with sRGB's curve: the matrix of CSS Color 4, from P3 to XYZ and on to sRGB. */
function p3ToSrgb(p3: readonly number[]): number[] {
  const linear = p3.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  const matrix = [
    [1.22494018, -0.22494018, 0],
    [-0.04205695, 1.04205695, 0],
    [-0.01963755, -0.07863605, 1.0982736],
  ];
  return matrix.map((row) => {
    const v = Math.min(
      1,
      Math.max(
        0,
        row.reduce((sum, weight, i) => sum + weight * linear[i]!, 0),
      ),
    );
    return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  });
}

test('Display P3 is converted to sRGB, in 8 and in 16 bits', async () => {
  const colours = [
    [200, 100, 90],
    [100, 180, 120],
    [60, 70, 160],
    [128, 128, 128],
  ];
  const p3 = samples(COUNT, (i) => i).flatMap((i) => colours[i % 4]!);
  const expected = samples(COUNT, (i) => i).flatMap((i) => p3ToSrgb(colours[i % 4]!));
  const carrier = sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } });
  const { icc } = await sharp(await carrier.withIccProfile('p3').png().toBuffer()).metadata();
  const extra = [pngChunk('iCCP', Buffer.concat([Buffer.from('p3\0\0', 'latin1'), deflateSync(icc!)]))];

  const from8 = await decoded(png(SIZE, SIZE, p3, { extra }));
  const from16 = await decoded(
    png(
      SIZE,
      SIZE,
      p3.map((v) => v * 257),
      { depth: 16, extra },
    ),
  );

  assert.ok(largestDifference(from8, expected) <= 1.5);
  assert.ok(largestDifference(from16, expected) <= 2.5);
  assert.ok(largestDifference(p3, expected) > 8, 'the profile makes a difference');
});

test('Display P3 by its numbers in a PNG is what it is by a profile', async () => {
  const colour = [200, 100, 90] as const;
  const extra = [pngChunk('cICP', Buffer.from([12, 13, 0, 1]))];
  const { data } = await decodeImage(png(1, 1, colour, { extra }), squash(1));
  assert.ok(largestDifference(data, p3ToSrgb(colour)) <= 1.5);
});

test('an unusable profile is passed over', async () => {
  const profile = deflateSync(Buffer.from('not a profile'));
  const extra = [pngChunk('iCCP', Buffer.concat([Buffer.from('x\0\0', 'latin1'), profile]))];
  const picture = pattern(SIZE, SIZE);
  assert.deepEqual(await decoded(png(SIZE, SIZE, picture.data, { extra })), [...picture.data]);
});

test('an animation gives its first frame', async () => {
  const red = grey(samples(1, () => 0)).map((_, i) => (i === 0 ? 255 : 0));
  assert.deepEqual([...(await decodeImage(gif(1, 1, [0, 1, 1]), squash(1))).data], red);
  const frames = Buffer.from([
    ...samples(COUNT, () => 0).flatMap(() => red),
    ...samples(COUNT * 3, () => 128),
  ]);
  const raw = { width: SIZE, height: SIZE * 2, channels: 3, pageHeight: SIZE } as const;
  const webp = await sharp(frames, { raw }).webp({ lossless: true }).toBuffer();
  assert.deepEqual(
    await decoded(webp),
    samples(COUNT, () => 0).flatMap(() => red),
  );
});
