import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import { sharp } from '../../../core/images/vips.ts';
import { Random } from '../../../core/random.ts';
import { pattern, squash } from './patterns.ts';

const SIDE = 120;

function content() {
  const random = new Random(5);
  const data = pattern(SIDE, SIDE).data.map((value) => value ^ random.below(64));
  return sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } });
}

async function decoded(bytes: Uint8Array): Promise<Uint8Array> {
  return (await decodeImage(bytes, squash(SIDE))).data;
}

/** By format: how many bytes at the end are no pixels, but tell that the file is over. */
const ENDINGS = {
  PNG: { encode: () => content().png(), marker: 12 + 4 },
  'interlaced PNG': { encode: () => content().png({ progressive: true }), marker: 12 + 4 },
  GIF: { encode: () => content().gif(), marker: 1 },
} as const;

for (const [name, { encode, marker }] of Object.entries(ENDINGS)) {
  test(`a ${name} without its last ${marker} bytes is the same image, and with more missing it is refused`, async () => {
    const whole = await encode().toBuffer();
    const expected = await decoded(whole);
    for (let missing = 1; missing <= marker; missing++) {
      assert.deepEqual(await decoded(whole.subarray(0, -missing)), expected, `${missing}`);
    }
    for (const missing of [marker + 8, marker + 50, Math.floor(whole.length / 2)]) {
      await assert.rejects(decoded(whole.subarray(0, -missing)), { code: 'unreadable-image' }, `${missing}`);
    }
  });
}

const FORMATS = {
  PNG: () => content().png(),
  GIF: () => content().gif(),
  WebP: () => content().webp(),
  'lossless WebP': () => content().webp({ lossless: true }),
  'TIFF of LZW': () => content().tiff({ compression: 'lzw' }),
  'TIFF of JPEG': () => content().tiff({ compression: 'jpeg' }),
  AVIF: () => content().avif(),
} as const;

for (const [name, encode] of Object.entries(FORMATS)) {
  describe(`a ${name}`, () => {
    test('with something behind it is the same image', async () => {
      const whole = await encode().toBuffer();
      const expected = await decoded(whole);
      for (const tail of [Buffer.alloc(1), Buffer.alloc(5000), Buffer.from('and a note'), whole]) {
        assert.deepEqual(await decoded(Buffer.concat([whole, tail])), expected);
      }
    });

    test('that is filled up is refused as damaged', async () => {
      const whole = await encode().toBuffer();
      for (const share of [0.3, 0.6, 0.9]) {
        for (const value of [0x00, 0xff]) {
          const filled = Buffer.from(whole).fill(value, Math.floor(whole.length * share));
          await assert.rejects(decoded(filled), { code: 'unreadable-image' }, `${value} from ${share}`);
        }
      }
    });
  });
}

test('even areas are not taken for filling', async () => {
  for (const shade of [0, 128, 255]) {
    const raw = { width: 900, height: 900, channels: 3 } as const;
    const even = sharp(Buffer.alloc(900 * 900 * 3, shade), { raw });
    for (const encoded of [
      even.clone().webp(),
      even.clone().webp({ lossless: true }),
      even.clone().jpeg(),
      even.clone().gif(),
    ]) {
      const { data } = await decodeImage(await encoded.toBuffer(), squash(4));
      assert.ok(data.every((value) => Math.abs(value - shade) <= 1));
    }
  }
});
