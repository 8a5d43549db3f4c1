/** The chunks of a PNG that say what its samples mean (PNG, third edition, 11.3.2). */
import { PRIMARIES, SRGB_PRIMARIES, primariesToXyz } from './chromaticities.ts';
import type { Chromaticities } from './chromaticities.ts';
import { decodeSrgb, fromPrimaries } from './srgb.ts';
import type { Curve, ToSrgb } from './srgb.ts';

/** A file that says this alone means sRGB. */
const DISPLAY_GAMMA = 2.2;

/** Curves by their numbers in ITU-T H.273, table 3; those of high dynamic range are left alone. */
const CURVES: Readonly<Record<number, Curve>> = {
  4: (sample) => sample ** 2.2,
  5: (sample) => sample ** 2.8,
  8: (sample) => sample,
  13: decodeSrgb,
};

/**
 * What the samples of a PNG mean where no profile says it.
 * @param chunks their content by type
 * @returns null where they are to be taken as sRGB
 */
export function pngColours(chunks: ReadonlyMap<string, Buffer>): ToSrgb | null {
  const cicp = chunks.get('cICP');
  if (cicp !== undefined && cicp.length >= 4) {
    const curve = CURVES[cicp[1] as number];
    const primaries = PRIMARIES[cicp[0] as number];
    return curve && primaries ? ofPrimaries(curve, primaries) : null;
  }
  const gama = chunks.get('gAMA');
  if (chunks.has('sRGB') || gama === undefined || gama.length < 4) return null;
  const gamma = gama.readUInt32BE(0) / 100_000;
  if (gamma < 0.01 || gamma > 100) return null;
  const curve: Curve = (sample) => sample ** (1 / gamma);
  const chrm = chunks.get('cHRM');
  if (chrm !== undefined && chrm.length >= 32) {
    return ofPrimaries(curve, chromaticitiesOf(chrm));
  }
  if (Math.abs(gamma * DISPLAY_GAMMA - 1) < 0.01) return null;
  return ofPrimaries(curve, SRGB_PRIMARIES);
}

function chromaticitiesOf(chunk: Buffer): Chromaticities {
  const point = (at: number) =>
    [chunk.readUInt32BE(at) / 100_000, chunk.readUInt32BE(at + 4) / 100_000] as const;
  return { white: point(0), red: point(8), green: point(16), blue: point(24) };
}

function ofPrimaries(curve: Curve, chromaticities: Chromaticities): ToSrgb | null {
  const primaries = primariesToXyz(chromaticities);
  return primaries && fromPrimaries([curve, curve, curve], primaries);
}
