import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { decodeImage } from '../../../core/images/decode.ts';
import { thumbnail } from '../../../core/images/thumbnail.ts';
import { png } from './encoders.ts';

/** A picture that is red on the left and blue on the right, with its place and its camera written into it. */
async function twoColours(width: number, height: number): Promise<Uint8Array> {
  const samples = Array.from({ length: width * height }, (_, i) =>
    i % width < width / 2 ? [255, 0, 0] : [0, 0, 255],
  );
  const exif = { IFD0: { Make: 'A camera', Copyright: 'somebody' }, IFD3: { GPSLatitude: '48/1 12/1 30/1' } };
  return sharp(png(width, height, samples.flat()))
    .withExif(exif)
    .jpeg()
    .toBuffer();
}

describe('a small copy', () => {
  it('has its sides in proportion, no more pixels than allowed, and the same colours', async () => {
    const copy = await thumbnail(await twoColours(400, 200), 5000);

    assert.deepEqual([copy.width, copy.height], [100, 50]);
    const { format, width, height } = await sharp(copy.webp).metadata();
    assert.deepEqual([format, width, height], ['webp', 100, 50]);
    const { data } = await decodeImage(copy.webp, { size: 8, fit: 'squash', kernel: 'linear' });
    assert.ok((data[0] ?? 0) > 230 && (data[2] ?? 0) < 25, 'red on the left');
    assert.ok((data[21] ?? 0) < 25 && (data[23] ?? 0) > 230, 'blue on the right');
  });

  it('of a smaller picture is no larger than that', async () => {
    const { width, height } = await thumbnail(await twoColours(40, 20), 5000);

    assert.deepEqual([width, height], [40, 20]);
  });

  it('tells nothing that was written into the picture', async () => {
    const original = await twoColours(400, 200);
    assert.ok(Buffer.from(original).includes('A camera'));

    const { webp } = await thumbnail(original, 5000);

    const { exif, icc, xmp } = await sharp(webp).metadata();
    assert.deepEqual([exif, icc, xmp], [undefined, undefined, undefined]);
    assert.ok(!Buffer.from(webp).includes('A camera'));
  });

  it('of something else than a picture is refused', async () => {
    await assert.rejects(thumbnail(Buffer.from('no picture'), 5000), { code: 'unsupported-image' });
  });
});
