import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { InvalidInputError, UnreadableImageError } from '../../../core/errors.ts';
import { decodeImage } from '../../../core/images/decode.ts';
import { DEFAULT_LIMITS } from '../../../core/images/limits.ts';
import { probeImage } from '../../../core/images/probe.ts';
import { sharp } from '../../../core/images/vips.ts';
import { blackPng, gif, pngChunk, tiff, withOrientation, zlibOfZeros } from './encoders.ts';
import { squash } from './patterns.ts';

/** How much the most memory that the process ever had has grown by, in bytes. */
async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  const before = process.resourceUsage().maxRSS;
  await work();
  return (process.resourceUsage().maxRSS - before) * 1024;
}

test('a header gives the format, and the size as a person sees it', async () => {
  const blank = sharp({ create: { width: 6, height: 4, channels: 3, background: 'red' } });
  const turned = withOrientation(await blank.jpeg().toBuffer(), 6);

  const probe = await probeImage(turned);

  assert.deepEqual(probe, {
    format: 'JPEG',
    width: 4,
    height: 6,
    depth: 8,
    colours: 'rgb',
    hasProfile: false,
  });
});

test('a sound PNG of 50,000 x 50,000 is refused by its header, in little memory', async () => {
  const bomb = blackPng(50_000, 50_000);

  const growth = await growthDuring(async () => {
    const refusal = /50000 x 50000 = 2500000000 pixels, allowed are at most 100000000/;
    await assert.rejects(probeImage(bomb), refusal);
    await assert.rejects(decodeImage(bomb, squash(8)), refusal);
  });

  assert.ok(growth < 50e6, `${growth} bytes`);
});

test('a picture at the pixel limit is taken, one above it is not', async () => {
  const picture = blackPng(20, 10);
  assert.equal((await probeImage(picture, { pixels: 200 })).width, 20);
  await assert.rejects(probeImage(picture, { pixels: 199 }), UnreadableImageError);
  await assert.rejects(probeImage(picture, { side: 19 }), UnreadableImageError);
});

test('a picture that is endless in one direction is refused', async () => {
  await assert.rejects(probeImage(blackPng(50_000_000, 1, { colour: 0 })), /and 65535 a side/);
  await assert.rejects(probeImage(blackPng(1, 50_000_000, { colour: 0 })), /and 65535 a side/);
});

test('the limit of bytes holds before the content is looked at', async () => {
  await assert.rejects(
    probeImage(Buffer.from('%PDF-1.7'), { bytes: 7 }),
    /has 8 bytes, allowed are at most 7/,
  );
});

test('an empty file is told as such', async () => {
  await assert.rejects(probeImage(new Uint8Array()), /the file is empty/);
});

test('a drawing is refused with what it is and what is allowed', async () => {
  await assert.rejects(
    probeImage(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
    (error: Error) =>
      error instanceof UnreadableImageError && /SVG.*JPEG, PNG, WebP, GIF, TIFF and AVIF/.test(error.message),
  );
});

test('libvips itself would not open a drawing or a path either', async () => {
  await assert.rejects(sharp(Buffer.from('<svg width="9" height="9"/>')).metadata());
  await assert.rejects(sharp(fileURLToPath(import.meta.url)).metadata());
});

test('texts and profiles that unpack to a gigabyte stay packed', async () => {
  const packed = Buffer.concat([Buffer.from('a\0\0', 'latin1'), zlibOfZeros(2 ** 30)]);
  for (const type of ['zTXt', 'iCCP']) {
    const picture = blackPng(4, 4, { extra: [pngChunk(type, packed)] });
    const growth = await growthDuring(() => decodeImage(picture, squash(4)));
    assert.ok(growth < 100e6, `${type}: ${growth} bytes`);
  }
});

test('an animation of a hundred thousand frames gives its first', async () => {
  const frames = [0 as const, ...Array.from({ length: 100_000 }, () => 1 as const)];
  const { data } = await decodeImage(gif(1, 1, frames), squash(1));
  assert.deepEqual([...data], [255, 0, 0]);
});

test("a TIFF's tags are not believed beyond the limit, nor followed in a circle", async () => {
  const options = { photometric: 1, channels: 1, compression: 8 } as const;
  const huge = tiff(65_000, 65_000, zlibOfZeros(1000), options);
  await assert.rejects(probeImage(huge), /65000 x 65000/);
  const short = tiff(9_000, 9_000, zlibOfZeros(1000), options);
  await assert.rejects(decodeImage(short, squash(8)), /the TIFF is damaged/);
  const circle = tiff(4, 4, zlibOfZeros(16), { ...options, next: 'itself' });
  assert.equal((await probeImage(circle)).width, 4);
});

test('samples without a fixed black and white are refused', async () => {
  const floats = Buffer.alloc(2 * 2 * 4);
  const picture = tiff(2, 2, floats, { photometric: 1, channels: 1, bits: 32, sampleFormat: 3 });
  await assert.rejects(probeImage(picture), { code: 'unsupported-image' });
});

test('a picture of one format inside another one is what its first bytes say', async () => {
  const inner = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'blue' } })
    .png()
    .toBuffer();
  const script = Buffer.from('/*<svg onload="alert(1)">%PDF-1.7*/=1;');
  const polyglot = Buffer.concat([gif(1, 1, [0]), script, inner]);
  assert.equal((await probeImage(polyglot)).format, 'GIF');
  assert.deepEqual([...(await decodeImage(polyglot, squash(1))).data], [255, 0, 0]);
});

test('a sound beginning alone is no picture', async () => {
  for (const start of ['\xff\xd8\xff\xe0', '\x89PNG\r\n\x1a\n', 'GIF89a', 'II*\0', 'RIFF\x04\0\0\0WEBP']) {
    await assert.rejects(probeImage(Buffer.from(start, 'latin1')), /is damaged or cut short/);
  }
});

test('a limit that there is not, or that is no whole number, is an error of the caller', async () => {
  const picture = blackPng(2, 2);
  const wrong = { pixel: 3 } as object;
  await assert.rejects(probeImage(picture, wrong), InvalidInputError);
  await assert.rejects(probeImage(picture, { pixels: Number.NaN }), InvalidInputError);
  await assert.rejects(probeImage(picture, { bytes: 0 }), InvalidInputError);
  assert.equal((await probeImage(picture, DEFAULT_LIMITS)).height, 2);
});
