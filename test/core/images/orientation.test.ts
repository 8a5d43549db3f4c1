import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import { sharp } from '../../../core/images/vips.ts';
import { orientationChunk, png, withOrientation } from './encoders.ts';
import { largestDifference, naiveTriangle, pattern, rearranged, squash } from './patterns.ts';

const WIDTH = 30;
const HEIGHT = 20;
const stored = pattern(WIDTH, HEIGHT);
const source = sharp(stored.data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const jpeg = await source.clone().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
const [RIGHT, BOTTOM] = [WIDTH - 1, HEIGHT - 1];

/** Where pixel (x, y) as seen is stored: where EXIF 2.32, tag 274, puts row 0 and column 0 of what is stored. */
const STORED_AT: readonly ((x: number, y: number) => readonly [number, number])[] = [
  (x, y) => [x, y], // 1: top, left
  (x, y) => [RIGHT - x, y], // 2: top, right
  (x, y) => [RIGHT - x, BOTTOM - y], // 3: bottom, right
  (x, y) => [x, BOTTOM - y], // 4: bottom, left
  (x, y) => [y, x], // 5: left, top
  (x, y) => [y, BOTTOM - x], // 6: right, top
  (x, y) => [RIGHT - y, BOTTOM - x], // 7: right, bottom
  (x, y) => [RIGHT - y, x], // 8: left, bottom
];

for (const [index, from] of STORED_AT.entries()) {
  const orientation = index + 1;
  test(`orientation ${orientation} is put upright`, async () => {
    const seen = orientation < 5 ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH];
    const upright = rearranged(stored, seen[0]!, seen[1]!, from);
    // Larger, smaller, and between the sides: enlarged, shrunk and both.
    for (const size of [40, 10, 24]) {
      const expected = naiveTriangle(upright, size);
      for (const [name, bytes, tolerance] of [
        ['PNG', png(WIDTH, HEIGHT, stored.data, { extra: [orientationChunk(orientation)] }), 4],
        ['WebP', await source.clone().withMetadata({ orientation }).webp({ lossless: true }).toBuffer(), 4],
        ['JPEG', withOrientation(jpeg, orientation), 5],
      ] as const) {
        const { data } = await decodeImage(bytes, squash(size));
        const difference = largestDifference(data, expected);
        assert.ok(difference <= tolerance, `${name} at ${size}: ${difference}`);
      }
    }
  });
}

test('an orientation that there is not is taken as upright', async () => {
  const plain = await decodeImage(jpeg, squash(16));
  for (const orientation of [0, 9, 300]) {
    assert.deepEqual(await decodeImage(withOrientation(jpeg, orientation), squash(16)), plain);
  }
});
