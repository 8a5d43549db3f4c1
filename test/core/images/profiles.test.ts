/** Colours by their definitions; Chromium 156 shows the same to one level. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import { sharp } from '../../../core/images/vips.ts';
import { PRIMARIES, png, pngChunk, profile, profileChunk, withProfile } from './encoders.ts';
import type { PngOptions } from './encoders.ts';
import { largestDifference, squash } from './patterns.ts';

const SIDE = 16;
const COUNT = SIDE * SIDE;

/** Light to sRGB in 0..255 (IEC 61966-2-1). */
function encode(light: number): number {
  const y = Math.min(1, Math.max(0, light));
  return 255 * (y <= 0.0031308 ? 12.92 * y : 1.055 * y ** (1 / 2.4) - 0.055);
}

/** XYZ with white D50 to linear sRGB: the inverse of the primaries, after Lindbloom. */
const TO_SRGB = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
] as const;

function expected(sample: readonly number[], gamma: number, primaries: keyof typeof PRIMARIES): number[] {
  const light = sample.map((value) => (value / 255) ** gamma);
  const xyz = [0, 1, 2].map((row) =>
    light.reduce((sum, y, i) => sum + y * PRIMARIES[primaries][i]![row]!, 0),
  );
  return TO_SRGB.map((row) => encode(row.reduce((sum, weight, i) => sum + weight * xyz[i]!, 0)));
}

const greys = Array.from({ length: COUNT }, (_, i) => i);
const colours = Array.from({ length: COUNT }, (_, i) => [(i * 7) % 256, (i * 91) % 256, (i * 173) % 256]);
const opacities = greys.map((i) => (i % 3 === 0 ? 255 : 60 + (i % 100)));

async function decoded(bytes: Uint8Array): Promise<Uint8Array> {
  return (await decodeImage(bytes, squash(SIDE))).data;
}

const overWhite = (ink: readonly number[], opacity: number): number[] =>
  ink.map((value) => 255 + (value - 255) * (opacity / 255));

/** The samples as a PNG of 8 and of 16 bits, with transparency and without. */
function* pngs(samples: readonly (readonly number[])[], extra: readonly Buffer[]) {
  const isGrey = samples[0]!.length === 1;
  for (const depth of [8, 16] as const) {
    for (const isTransparent of [false, true]) {
      const all = samples.flatMap((sample, i) => (isTransparent ? [...sample, opacities[i]!] : sample));
      const colour = ((isGrey ? 0 : 2) + (isTransparent ? 4 : 0)) as NonNullable<PngOptions['colour']>;
      const bytes = png(SIDE, SIDE, depth === 8 ? all : all.map((v) => v * 257), { colour, depth, extra });
      yield { what: `${colour} at ${depth} bits`, bytes, isTransparent };
    }
  }
}

async function comesAs(
  samples: readonly (readonly number[])[],
  extra: readonly Buffer[],
  inks: readonly (readonly number[])[],
): Promise<void> {
  for (const { what, bytes, isTransparent } of pngs(samples, extra)) {
    const wanted = inks.flatMap((ink, i) => overWhite(ink, isTransparent ? opacities[i]! : 255));
    const difference = largestDifference(await decoded(bytes), wanted);
    assert.ok(difference <= 2, `${what}: ${difference}`);
  }
}

const three = (value: number): number[] => [value, value, value];

test('a profile of grey counts at every depth, with transparency and without', async () => {
  for (const gamma of [1, 1.8, 3]) {
    await comesAs(
      greys.map((value) => [value]),
      [profileChunk(profile(gamma, 'grey'))],
      greys.map((value) => three(encode((value / 255) ** gamma))),
    );
  }
});

test('a profile of RGB counts at every depth, for grey as well', async () => {
  for (const [gamma, primaries] of [
    [1, 'sRGB'],
    [1.8, 'ProPhoto'],
  ] as const) {
    const extra = [profileChunk(profile(gamma, primaries))];
    await comesAs(
      colours,
      extra,
      colours.map((colour) => expected(colour, gamma, primaries)),
    );
    await comesAs(
      greys.map((value) => [value]),
      extra,
      greys.map((value) => expected(three(value), gamma, primaries)),
    );
  }
});

test('a profile of grey says nothing of colours', async () => {
  await comesAs(colours, [profileChunk(profile(3, 'grey'))], colours);
});

test('a palette goes through the profile', async () => {
  const extra = [profileChunk(profile(1.8, 'ProPhoto')), pngChunk('PLTE', Buffer.from(colours.flat()))];
  const wanted = colours.flatMap((colour) => expected(colour, 1.8, 'ProPhoto'));
  assert.ok(largestDifference(await decoded(png(SIDE, SIDE, greys, { colour: 3, extra })), wanted) <= 2);
});

test('a grey JPEG goes through its profile, for grey or for RGB', async () => {
  const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
  const jpeg = await sharp(Buffer.from(greys.map((value) => (value >> 5) * 32)), { raw })
    .toColourspace('b-w')
    .jpeg({ quality: 100 })
    .toBuffer();
  const plain = await decoded(jpeg);
  for (const primaries of ['grey', 'sRGB'] as const) {
    const wanted = [...plain].map((value) => encode((value / 255) ** 1.5));
    assert.ok(largestDifference(await decoded(withProfile(jpeg, profile(1.5, primaries))), wanted) <= 2);
  }
});

function numbers(...values: readonly number[]): Buffer {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => data.writeUInt32BE(value, 4 * i));
  return data;
}

test('without a profile, the gamma of a PNG counts, and sRGB before it', async () => {
  const gamma = pngChunk('gAMA', numbers(100_000));
  const linear = greys.map((value) => three(encode(value / 255)));
  const samples = greys.map((value) => [value]);
  await comesAs(samples, [gamma], linear);
  await comesAs(samples, [pngChunk('gAMA', numbers(45_455))], greys.map(three));
  await comesAs(samples, [pngChunk('sRGB', Buffer.from([0])), gamma], greys.map(three));
});

test('the primaries of a PNG count with its gamma', async () => {
  const chunks = [
    pngChunk('gAMA', numbers(100_000)),
    pngChunk('cHRM', numbers(31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)),
  ];
  await comesAs(
    colours,
    chunks,
    colours.map((colour) => colour.map((value) => encode(value / 255))),
  );
});
