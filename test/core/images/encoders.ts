import { constants, deflateRawSync, deflateSync } from 'node:zlib';

/** Encoders by hand, after the formats' specifications, so that decoding is held against something else than itself. */

export interface PngOptions {
  readonly depth?: 1 | 8 | 16;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colour?: 0 | 2 | 3 | 4 | 6;
  /** Chunks to stand before the pixels. */
  readonly extra?: readonly Buffer[];
}

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

/** A PNG of samples in rows from the top; with 1 bit a sample, 0 and 1. */
export function png(
  width: number,
  height: number,
  samples: ArrayLike<number>,
  options: PngOptions = {},
): Buffer {
  const { depth = 8, colour = 2 } = options;
  const perRow = width * CHANNELS[colour];
  const rows = Array.from({ length: height }, (_, y) => {
    const row = Buffer.alloc(1 + Math.ceil((perRow * depth) / 8));
    for (let i = 0; i < perRow; i++) {
      const sample = samples[y * perRow + i] as number;
      if (depth === 16) row.writeUInt16BE(sample, 1 + i * 2);
      else if (depth === 8) row[1 + i] = sample;
      else row[1 + (i >> 3)]! |= sample << (7 - (i & 7));
    }
    return row;
  });
  return pngOf(width, height, deflateSync(Buffer.concat(rows)), options);
}

/** A sound black PNG of any size; the file is about a thousandth of its pixels. */
export function blackPng(width: number, height: number, options: PngOptions = {}): Buffer {
  const { depth = 8, colour = 2 } = options;
  const row = 1 + Math.ceil((width * CHANNELS[colour] * depth) / 8);
  return pngOf(width, height, zlibOfZeros(row * height), options);
}

function pngOf(width: number, height: number, content: Buffer, options: PngOptions): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = options.depth ?? 8;
  header[9] = options.colour ?? 2;
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const extra = options.extra ?? [];
  const chunks = [pngChunk('IHDR', header), ...extra, pngChunk('IDAT', content), pngChunk('IEND')];
  return Buffer.concat([signature, ...chunks]);
}

export function pngChunk(type: string, data: Uint8Array = new Uint8Array()): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** EXIF data that hold an orientation and nothing else: a big-endian TIFF header and one entry. */
function exif(orientation: number): Buffer {
  const data = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
  data.writeUInt16BE(orientation, 18);
  return data;
}

export function orientationChunk(orientation: number): Buffer {
  return pngChunk('eXIf', exif(orientation));
}

/** The JPEG with an APP1 segment right after its first marker. */
export function withOrientation(jpeg: Uint8Array, orientation: number): Buffer {
  const data = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif(orientation)]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length + 2);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, data, jpeg.subarray(2)]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A zlib stream of `count` zeros, made by repeating one compressed piece. */
export function zlibOfZeros(count: number): Buffer {
  const piece = 1 << 20;
  const packed = deflateRawSync(Buffer.alloc(piece), { finishFlush: constants.Z_FULL_FLUSH });
  const pieces = Array.from({ length: Math.floor(count / piece) }, () => packed);
  const adler = Buffer.alloc(4);
  adler.writeUInt16BE(count % 65521, 0);
  adler.writeUInt16BE(1, 2);
  return Buffer.concat([
    Buffer.from([0x78, 0x9c]),
    ...pieces,
    deflateRawSync(Buffer.alloc(count % piece)),
    adler,
  ]);
}

export interface TiffOptions {
  /** 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK. */
  readonly photometric: number;
  readonly channels: number;
  readonly bits?: number;
  /** 1 whole numbers, 2 signed ones, 3 floating point. */
  readonly sampleFormat?: 1 | 2 | 3;
  /** 1 none, 8 deflate. */
  readonly compression?: number;
  /** Where the next directory is said to be; the first one itself by default of 'none'. */
  readonly next?: 'none' | 'itself';
}

/** A little-endian TIFF of one strip. `content` is the strip as stored. */
export function tiff(width: number, height: number, content: Uint8Array, options: TiffOptions): Buffer {
  const { photometric, channels, bits = 8, sampleFormat = 1, compression = 1, next = 'none' } = options;
  const start = 8;
  const bitsAt = start + content.length;
  const directoryAt = bitsAt + channels * 2;
  const [SHORT, LONG] = [3, 4];
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, channels, channels > 2 ? bitsAt : bits],
    [259, SHORT, 1, compression],
    [262, SHORT, 1, photometric],
    [273, LONG, 1, start],
    [277, SHORT, 1, channels],
    [278, LONG, 1, height],
    [279, LONG, 1, content.length],
    [339, SHORT, 1, sampleFormat],
  ];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, type, count, value], i) => {
    directory.writeUInt16LE(tag, 2 + i * 12);
    directory.writeUInt16LE(type, 4 + i * 12);
    directory.writeUInt32LE(count, 6 + i * 12);
    directory.writeUInt32LE(value, 10 + i * 12);
  });
  if (next === 'itself') directory.writeUInt32LE(directoryAt, 2 + entries.length * 12);
  const header = Buffer.from('II*\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(directoryAt, 4);
  const bitsOfEach = Buffer.alloc(channels * 2);
  for (let i = 0; i < channels; i++) bitsOfEach.writeUInt16LE(bits, i * 2);
  return Buffer.concat([header, content, bitsOfEach, directory]);
}

/** A GIF of one pixel a frame, in the palette's colours by frame: 0 red, 1 blue. */
export function gif(width: number, height: number, frames: readonly (0 | 1)[]): Buffer {
  const header = Buffer.from('GIF89a\0\0\0\0\x80\0\0', 'latin1');
  header.writeUInt16LE(width, 6);
  header.writeUInt16LE(height, 8);
  const palette = Buffer.from([255, 0, 0, 0, 0, 255]);
  // LZW of 3-bit codes, the least significant bit first: clear (4), the pixel, end (5).
  const frame = (colour: 0 | 1) =>
    Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 4 | (colour << 3) | ((5 << 6) & 0xff), 5 >> 2, 0]);
  const pictures = [frame(0), frame(1)] as const;
  return Buffer.concat([header, palette, ...frames.map((colour) => pictures[colour]), Buffer.from(';')]);
}

function s15Fixed16(...values: readonly number[]): Buffer {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => data.writeInt32BE(Math.round(value * 65_536), 4 * i));
  return data;
}

/** Columns in CIE XYZ, adapted to D50: of sRGB (IEC 61966-2-1) and of ProPhoto (ISO 22028-2). */
export const PRIMARIES = {
  sRGB: [
    [0.43607, 0.22249, 0.01392],
    [0.38515, 0.71687, 0.09708],
    [0.14307, 0.06061, 0.7141],
  ],
  ProPhoto: [
    [0.79767, 0.28804, 0],
    [0.13519, 0.71187, 0],
    [0.03135, 0.00009, 0.82521],
  ],
} as const;

/** A colour profile (ICC.1:2001) of one gamma: for grey, or for RGB of these primaries. */
export function profile(gamma: number, primaries: 'grey' | keyof typeof PRIMARIES): Buffer {
  const curve = Buffer.from('curv\0\0\0\0\0\0\0\x01\0\0\0\0', 'latin1');
  curve.writeUInt16BE(Math.round(gamma * 256), 12);
  const xyz = (values: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from('XYZ \0\0\0\0'), s15Fixed16(...values)]);
  const description = Buffer.alloc(104);
  description.write('desc');
  description[11] = 5;
  description.write('test', 12);
  const tags: [string, Buffer][] = [
    ['desc', description],
    ['cprt', Buffer.from('text\0\0\0\0none\0\0\0\0')],
    ['wtpt', xyz([0.9642, 1, 0.8249])],
  ];
  if (primaries === 'grey') tags.push(['kTRC', curve]);
  else {
    for (const [i, letter] of ['r', 'g', 'b'].entries()) {
      tags.push([`${letter}XYZ`, xyz(PRIMARIES[primaries][i]!)], [`${letter}TRC`, curve]);
    }
  }
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let at = 128 + table.length;
  tags.forEach(([name, data], i) => {
    table.write(name, 4 + 12 * i, 'latin1');
    table.writeUInt32BE(at, 8 + 12 * i);
    table.writeUInt32BE(data.length, 12 + 12 * i);
    at += data.length;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write(`mntr${primaries === 'grey' ? 'GRAY' : 'RGB '}XYZ `, 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  header.set(s15Fixed16(0.9642, 1, 0.8249), 68);
  return Buffer.concat([header, table, ...tags.map(([, data]) => data)]);
}

export function profileChunk(content: Uint8Array): Buffer {
  return pngChunk('iCCP', Buffer.concat([Buffer.from('x\0\0', 'latin1'), deflateSync(content)]));
}

/** The JPEG with a profile in an APP2 segment. */
export function withProfile(jpeg: Uint8Array, content: Uint8Array): Buffer {
  const data = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), content]);
  const head = Buffer.from([0xff, 0xe2, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}
