import { inflateSync } from 'node:zlib';
import { pngColours } from '../colour/png-colours.ts';
import { BrokenContainer, LARGEST_PROFILE, bufferOf } from './container.ts';
import type { Container } from './container.ts';
import { orientationOf } from './orientation.ts';

const SIGNATURE_BYTES = 8;
/** What the decoder is given (PNG, third edition, 11). Texts, times, thumbnails and later frames are not kept. */
const KEPT = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'iCCP']);
/** What says what the samples mean. */
const COLOURS = new Set(['gAMA', 'cHRM', 'sRGB', 'cICP']);

/**
 * Reads the chunks of a PNG up to IEND, or up to the file's end where IEND is missing: whether all pixels are there is
 * for the decoder to see. A last chunk of pixels that breaks off is closed.
 */
export function readPng(bytes: Uint8Array): Container {
  const file = bufferOf(bytes);
  const parts: Uint8Array[] = [file.subarray(0, SIGNATURE_BYTES)];
  let orientation = 1;
  let profile: Buffer | null = null;
  const colours = new Map<string, Buffer>();
  for (let at = SIGNATURE_BYTES; at + 8 <= file.length;) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const end = at + 12 + length;
    const data = file.subarray(at + 8, at + 8 + length);
    if (type === 'IEND') break;
    if (type === 'eXIf' && end <= file.length) orientation = orientationOf(data);
    if (COLOURS.has(type)) colours.set(type, data);
    if (type === 'iCCP') profile = profileIn(data);
    if (KEPT.has(type) && (type !== 'iCCP' || profile !== null))
      parts.push(...chunkAt(file, at, type, length));
    at = end;
  }
  parts.push(chunk('IEND', Buffer.alloc(0)));
  const header = parts[1];
  if (header?.length !== 25) throw new BrokenContainer('it has no header');
  // The newer chunk goes before a profile, and a profile before the older ones.
  const toSrgb = profile !== null && !colours.has('cICP') ? null : pngColours(colours);
  return {
    bytes: Buffer.concat(parts),
    orientation,
    heldPerPixel: heldPerPixel(header),
    ...(profile && { profile }),
    ...(toSrgb && { toSrgb }),
  };
}

/** Interlaced ones are put together in memory. A palette, and one transparent colour, become channels. */
function heldPerPixel(header: Uint8Array): number {
  const [depth = 8, colour = 6, , , interlaced] = header.subarray(16);
  if (interlaced !== 1) return 0;
  const channels = { 0: 2, 4: 2 }[colour] ?? 4;
  return (channels * Math.max(8, depth)) / 8;
}

function chunkAt(file: Buffer, at: number, type: string, length: number): Buffer[] {
  const whole = file.subarray(at, at + 12 + length);
  if (whole.length === 12 + length) return [whole];
  // What is missing may be no more than the checksum, which is computed anew.
  return type === 'IDAT' ? [chunk('IDAT', whole.subarray(8, 8 + length))] : [];
}

/** After a name, a zero and the method, in a zlib stream. */
function profileIn(data: Buffer): Buffer | null {
  const start = data.subarray(0, 80).indexOf(0) + 2;
  try {
    return start < 2 ? null : inflateSync(data.subarray(start), { maxOutputLength: LARGEST_PROFILE });
  } catch {
    return null;
  }
}

function chunk(type: string, data: Uint8Array): Buffer {
  const result = Buffer.alloc(data.length + 12);
  result.writeUInt32BE(data.length, 0);
  result.write(type, 4, 'latin1');
  result.set(data, 8);
  result.writeUInt32BE(crc32(result.subarray(4, 8 + data.length)), 8 + data.length);
  return result;
}

/** ISO 3309, as PNG has it; Node's own came with 20.15. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let crc = value;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});
