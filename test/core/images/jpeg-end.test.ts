import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import type { Pixels } from '../../../core/images/pixels.ts';
import { sharp } from '../../../core/images/vips.ts';
import { Random } from '../../../core/random.ts';
import { pattern, squash } from './patterns.ts';

const SIDE = 200;
const END = Buffer.from([0xff, 0xd9]);

/** Bytes of a JPEG that may be wrong without being noticed: hardly a block. */
const UNNOTICED = 24;

async function decoded(bytes: Uint8Array): Promise<Uint8Array> {
  return (await decodeImage(bytes, squash(SIDE))).data;
}

async function refuses(bytes: Uint8Array, what: string): Promise<void> {
  await assert.rejects(decoded(bytes), { code: 'unreadable-image' }, what);
}

function noisy(): Pixels {
  const random = new Random(3);
  const { data } = pattern(SIDE, SIDE);
  return { width: SIDE, height: SIDE, data: data.map((value) => value ^ random.below(32)) };
}

/** A third of something above white: many encoders code the white by bytes that are all alike. */
function mostlyWhite(): Pixels {
  const { data } = pattern(SIDE, SIDE);
  return { width: SIDE, height: SIDE, data: data.fill(255, data.length / 3) };
}

const ENCODINGS = {
  baseline: { optimiseCoding: false },
  'baseline with tables of its own': {},
  progressive: { progressive: true },
  'progressive of mozjpeg': { mozjpeg: true },
} as const;

for (const [name, options] of Object.entries(ENCODINGS)) {
  for (const [content, pixels] of Object.entries({
    smooth: pattern(SIDE, SIDE),
    noisy: noisy(),
    white: mostlyWhite(),
  })) {
    describe(`a JPEG, ${name}, ${content}`, async () => {
      const source = sharp(pixels.data, { raw: { width: SIDE, height: SIDE, channels: 3 } });
      const whole = await source.jpeg(options).toBuffer();
      const upTo = (count: number): Buffer => whole.subarray(0, whole.length - END.length - count);

      test('that lacks its end marker, or half of it, is the same image', async () => {
        const expected = await decoded(whole);
        assert.deepEqual(await decoded(upTo(0)), expected);
        assert.deepEqual(await decoded(whole.subarray(0, -1)), expected);
        assert.deepEqual(await decoded(Buffer.concat([upTo(0), Buffer.alloc(7, 0xff)])), expected);
      });

      test('that breaks off is refused, with the end marker and without', async () => {
        for (const missing of [1, 2, 3, 10, 50, Math.floor(whole.length / 3)]) {
          await refuses(upTo(missing), `${missing} missing`);
          await refuses(Buffer.concat([upTo(missing), END]), `${missing} missing, closed`);
        }
      });

      test('that is filled up is refused, with the end marker and without', async () => {
        for (const missing of [
          2 * UNNOTICED,
          100,
          Math.floor(whole.length / 3),
          Math.floor(whole.length / 2),
        ]) {
          for (const value of [0x00, 0xff, 0x80, 0xaa]) {
            const filling = Buffer.alloc(missing, value);
            const filled = Buffer.concat([upTo(missing), filling]);
            // White may be coded by zeros alone, and then nothing is wrong.
            const same = await decoded(filled).catch(() => null);
            if (same !== null) {
              assert.deepEqual(same, await decoded(whole), `${missing} of ${value}`);
              continue;
            }
            await refuses(Buffer.concat([filled, END]), `${missing} of ${value}, closed`);
          }
        }
      });
    });
  }
}

test('padding behind the last pixels is not taken for them', async () => {
  const source = sharp(noisy().data, { raw: { width: SIDE, height: SIDE, channels: 3 } });
  for (const options of Object.values(ENCODINGS)) {
    const whole = await source.clone().jpeg(options).toBuffer();
    const padded = Buffer.concat([whole.subarray(0, -2), Buffer.alloc(500), END]);
    assert.deepEqual(await decoded(padded), await decoded(whole));
  }
});

test('a progressive JPEG whose last scans are missing altogether is refused', async () => {
  const source = sharp(noisy().data, { raw: { width: SIDE, height: SIDE, channels: 3 } });
  const whole = await source.jpeg({ progressive: true }).toBuffer();
  const lastScan = whole.lastIndexOf(Buffer.from([0xff, 0xda]));
  await refuses(whole.subarray(0, lastScan), 'without');
  await refuses(Buffer.concat([whole.subarray(0, lastScan), END]), 'closed');
});

/** 32 x 8 pixels of grey, a block a restart interval: Huffman tables with one code each, DC 0 and end of block. */
function withRestarts(parts: readonly (readonly number[])[]): Buffer {
  const segment = (marker: number, ...content: number[]): Buffer =>
    Buffer.from([0xff, marker, 0, content.length + 2, ...content]);
  const oneCode = [1, ...Buffer.alloc(15), 0];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, 0, ...Buffer.alloc(64, 1)),
    segment(0xc0, 8, 0, 8, 0, 32, 1, 1, 0x11, 0),
    segment(0xc4, 0x00, ...oneCode),
    segment(0xc4, 0x10, ...oneCode),
    segment(0xdd, 0, 1),
    segment(0xda, 1, 1, 0x00, 0, 63, 0),
    ...parts.map((part) => Buffer.from(part)),
  ]);
}

test('restart markers tell which parts are there', async () => {
  const block = 0b0011_1111;
  const sound = withRestarts([
    [block, 0xff, 0xd0],
    [block, 0xff, 0xd1],
    [block, 0xff, 0xd2],
    [block],
    [0xff, 0xd9],
  ]);
  const unclosed = sound.subarray(0, -2);
  const grey = new Uint8Array(8 * 8 * 3).fill(128);
  for (const bytes of [sound, unclosed]) assert.deepEqual((await decodeImage(bytes, squash(8))).data, grey);

  for (const parts of [
    [[block, 0xff, 0xd0], [block, 0xff, 0xd1], [block], [0xff, 0xd9]],
    [[block, 0xff, 0xd0], [block, 0xff, 0xd2], [block, 0xff, 0xd3], [block], [0xff, 0xd9]],
    [[block, 0xff, 0xd0], [block]],
  ]) {
    await assert.rejects(decodeImage(withRestarts(parts), squash(8)), { code: 'unreadable-image' });
  }
});
