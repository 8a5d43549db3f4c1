/** Colour profiles (ICC.1:2022) of grey, and of three primaries with their curves. */
import { encodeSrgb, fromPrimaries } from './srgb.ts';
import type { Curve, ToSrgb } from './srgb.ts';

const HEADER_BYTES = 128;

/** What a profile is for, by its header. */
export function spaceOf(profile: Uint8Array): 'grey' | 'rgb' | 'cmyk' | 'other' {
  const name = Buffer.from(profile.subarray(16, 20)).toString('latin1');
  if (name === 'GRAY') return 'grey';
  if (name === 'RGB ') return 'rgb';
  return name === 'CMYK' ? 'cmyk' : 'other';
}

/**
 * From the colours of a profile to sRGB; grey is converted channel by channel.
 * @returns null where the profile holds tables, or cannot be used
 */
export function converterOf(profile: Uint8Array): ToSrgb | null {
  try {
    const file = Buffer.from(profile.buffer, profile.byteOffset, profile.length);
    return spaceOf(profile) === 'grey' ? greyOf(file) : primariesOf(file);
  } catch (error) {
    // A number was read behind the profile's end.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function greyOf(file: Buffer): ToSrgb | null {
  const curve = curveAt(file, 'kTRC');
  if (curve === null) return null;
  const isLab = file.toString('latin1', 20, 24) === 'Lab ';
  const convert: Curve = (sample) => encodeSrgb(isLab ? lightOf(curve(sample)) : curve(sample));
  return ([red, green, blue]) =>
    red === green && green === blue ? same(convert(red)) : [convert(red), convert(green), convert(blue)];
}

const same = (value: number) => [value, value, value] as const;

function primariesOf(file: Buffer): ToSrgb | null {
  // Tables go before the curves.
  if (tagOf(file, 'A2B0') !== null || file.toString('latin1', 20, 24) !== 'XYZ ') return null;
  const curves = ['rTRC', 'gTRC', 'bTRC'].map((name) => curveAt(file, name));
  const columns = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => tagOf(file, name));
  const [red, green, blue] = curves;
  if (!red || !green || !blue || columns.includes(null)) return null;
  const rows = [8, 12, 16].map((at) => columns.map((column) => column!.readInt32BE(at) / 65_536));
  return fromPrimaries([red, green, blue], rows);
}

function tagOf(file: Buffer, name: string): Buffer | null {
  const count = Math.min(file.readUInt32BE(HEADER_BYTES), 100);
  for (let at = HEADER_BYTES + 4, i = 0; i < count; i++, at += 12) {
    if (file.toString('latin1', at, at + 4) !== name) continue;
    const from = file.readUInt32BE(at + 4);
    return file.subarray(from, from + file.readUInt32BE(at + 8));
  }
  return null;
}

/** `curv` (10.6) and `para` (10.18). */
function curveAt(file: Buffer, name: string): Curve | null {
  const data = tagOf(file, name);
  const type = data?.toString('latin1', 0, 4);
  if (data === null || (type !== 'para' && type !== 'curv')) return null;
  if (type === 'para') return parametric(data);
  const count = data.readUInt32BE(8);
  if (count === 0) return (x) => x;
  if (count === 1) {
    const gamma = data.readUInt16BE(12) / 256;
    return (x) => x ** gamma;
  }
  const table = Float64Array.from({ length: Math.min(count, 65_536) }, (_, i) => {
    return data.readUInt16BE(12 + 2 * i) / 65_535;
  });
  return (x) => {
    const at = x * (table.length - 1);
    const low = Math.floor(at);
    const [from, to] = [table[low]!, table[Math.min(low + 1, table.length - 1)]!];
    return from + (at - low) * (to - from);
  };
}

function parametric(data: Buffer): Curve | null {
  const kind = data.readUInt16BE(8);
  const count = [1, 3, 4, 5, 7][kind];
  if (count === undefined) return null;
  const values = Array.from({ length: count }, (_, i) => data.readInt32BE(12 + 4 * i) / 65_536);
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  if (kind === 0) return (x) => x ** g;
  if (kind === 1) return (x) => (x >= -b / a ? (a * x + b) ** g : 0);
  if (kind === 2) return (x) => (x >= -b / a ? (a * x + b) ** g : 0) + c;
  return (x) => (x >= d ? (a * x + b) ** g + e : c * x + f);
}

/** CIE L*, as a share of 100, to light. */
function lightOf(lightness: number): number {
  const t = (100 * lightness + 16) / 116;
  return t > 6 / 29 ? t ** 3 : 3 * (6 / 29) ** 2 * (t - 4 / 29);
}
