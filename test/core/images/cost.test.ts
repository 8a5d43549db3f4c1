/** Files that would cost more than the image in them. Each is held against a plain file of the same pixels, in one run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import { sharp } from '../../../core/images/vips.ts';
import { blackPng, pngChunk, tiff, zlibOfZeros } from './encoders.ts';
import { pattern, squash } from './patterns.ts';

const SIDE = 64;

/** EXIF whose entries all point back to the first directory, which has them: a reader follows each of them again. */
function circularExif(entries: number): Buffer {
  const data = Buffer.alloc(8 + 2 + 12 * entries + 4);
  data.write('II*\0', 'latin1');
  data.writeUInt32LE(8, 4);
  data.writeUInt16LE(entries, 8);
  for (let i = 0; i < entries; i++) {
    const at = 10 + 12 * i;
    data.writeUInt16LE(0x8769, at);
    data.writeUInt16LE(4, at + 2);
    data.writeUInt32LE(1, at + 4);
    data.writeUInt32LE(8, at + 8);
  }
  return data;
}

function segment(marker: number, content: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function inserted(file: Uint8Array, at: number, content: Uint8Array): Buffer {
  return Buffer.concat([file.subarray(0, at), content, file.subarray(at)]);
}

/** The WebP in the extended layout, with a chunk behind the image. */
function withExif(webp: Buffer, exif: Buffer): Buffer {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data, Buffer.alloc(data.length & 1)]);
  };
  const header = Buffer.from([0x08, 0, 0, 0, SIDE - 1, 0, 0, SIDE - 1, 0, 0]);
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    chunk('VP8X', header),
    webp.subarray(12),
    chunk('EXIF', exif),
  ]);
  const riff = Buffer.from('RIFF\0\0\0\0', 'latin1');
  riff.writeUInt32LE(body.length, 4);
  return Buffer.concat([riff, body]);
}

/** A TIFF with so many directories, each of which names the next. */
function pages(count: number): Buffer {
  const first = tiff(SIDE, SIDE, Buffer.alloc(SIDE * SIDE, 90), { photometric: 1, channels: 1 });
  const start = first.readUInt32LE(4);
  const directory = first.subarray(start);
  const all = Buffer.concat([first, ...Array.from({ length: count - 1 }, () => directory)]);
  for (let i = 0; i < count - 1; i++) {
    all.writeUInt32LE(start + (i + 1) * directory.length, start + (i + 1) * directory.length - 4);
  }
  return all;
}

function times(count: number, content: Buffer): Buffer {
  return Buffer.alloc(count * content.length, content);
}

async function processorSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const { data } = pattern(SIDE, SIDE);
const source = sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } });

test('no file costs much more than its pixels and its bytes', async () => {
  const [jpeg, png, webp, gif, avif] = await Promise.all([
    source.clone().jpeg().toBuffer(),
    source.clone().png().toBuffer(),
    source.clone().webp().toBuffer(),
    source.clone().gif().toBuffer(),
    source
      .clone()
      .withExif({ IFD0: { Copyright: 'x'.repeat(5000) } })
      .avif()
      .toBuffer(),
  ]);
  const exif = circularExif(5000);
  const afterHeader = 8 + 25;
  const exifInAvif = avif.indexOf('Exif\0\0') === -1 ? avif.indexOf('MM\0*') : avif.indexOf('Exif\0\0') + 6;
  const circularAvif = Buffer.from(avif);
  circularAvif.set(circularExif(400).subarray(0, 4800), exifInAvif);
  const frame = gif.subarray(gif.indexOf(0x2c, 13), -1);
  const files: Record<string, readonly [crafted: Uint8Array, honest: Uint8Array]> = {
    'EXIF of a PNG': [inserted(png, afterHeader, pngChunk('eXIf', exif)), png],
    'texts of a PNG': [
      inserted(png, afterHeader, times(100_000, pngChunk('tEXt', Buffer.from('a\0b')))),
      png,
    ],
    'packed texts of a PNG': [
      inserted(
        png,
        afterHeader,
        times(200, pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), zlibOfZeros(2 ** 22)]))),
      ),
      png,
    ],
    'EXIF of a JPEG': [
      inserted(jpeg, 2, segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exif]))),
      jpeg,
    ],
    'comments of a JPEG': [inserted(jpeg, 2, times(2_000_000, segment(0xfe, Buffer.alloc(0)))), jpeg],
    'EXIF of a WebP': [withExif(webp, exif), webp],
    'EXIF of an AVIF': [circularAvif, avif],
    'frames of a GIF': [inserted(gif, gif.length - 1, times(2000, frame)), gif],
    'pages of a TIFF': [pages(100_000), pages(1)],
  };
  await processorSeconds(() => decodeImage(png, squash(SIDE)));
  for (const [name, [crafted, honest]] of Object.entries(files)) {
    const decode = (bytes: Uint8Array) => () => decodeImage(bytes, squash(SIDE)).catch(() => undefined);
    const usual = await processorSeconds(decode(honest));
    const found = await processorSeconds(decode(crafted));
    // Copying some megabytes, and what else the process does meanwhile.
    assert.ok(found <= 2 * usual + 0.5, `${name}: ${found} s, honestly ${usual} s`);
  }
});

test('what a decoder would have to hold is counted by depth, transparency and interlacing', async () => {
  const interlaced = (options: { depth: 8 | 16; colour: 0 | 2 | 6 }): Buffer => {
    const file = blackPng(10_000, 10_000, options);
    file[28] = 1;
    return file;
  };
  for (const options of [
    { depth: 16, colour: 6 },
    { depth: 16, colour: 2 },
    { depth: 8, colour: 6 },
  ] as const) {
    await assert.rejects(decodeImage(interlaced(options), squash(8)), /bytes of memory, allowed are at most/);
  }
});

test('what has to be held is limited, and what is decoded row by row is not', async () => {
  const progressive = await source.clone().jpeg({ progressive: true }).toBuffer();
  const baseline = await source.clone().jpeg().toBuffer();
  const limits = { memory: SIDE * SIDE };
  await assert.rejects(decodeImage(progressive, squash(8), limits), { code: 'unreadable-image' });
  assert.equal((await decodeImage(baseline, squash(8), limits)).width, 8);
  assert.equal((await decodeImage(progressive, squash(8), { memory: 6 * SIDE * SIDE })).width, 8);
});

test('scans that repeat are limited by what they go over', async () => {
  const large = sharp({ create: { width: 4000, height: 4000, channels: 3, background: 'red' } });
  const jpeg = await large.jpeg({ progressive: true }).toBuffer();
  const last = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
  const many = inserted(jpeg, jpeg.length - 2, times(50, last));
  await assert.rejects(decodeImage(many, squash(8)), /scans of 16000000 pixels/);
  assert.equal((await decodeImage(jpeg, squash(8))).width, 8);
});
