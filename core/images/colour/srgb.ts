/** Red, green and blue from 0 to 1. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** From an image's own colours to sRGB. */
export type ToSrgb = (colour: Rgb) => Rgb;

/** CIE XYZ with the white D50, in which profiles are connected, to the light of sRGB's primaries. */
const FROM_XYZ_D50 = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
] as const;

/** Light to sRGB's samples (IEC 61966-2-1); what is out of its range is clipped. */
export function encodeSrgb(light: number): number {
  const y = Math.min(1, Math.max(0, light));
  return y <= 0.0031308 ? 12.92 * y : 1.055 * y ** (1 / 2.4) - 0.055;
}

/** sRGB's samples to light. */
export function decodeSrgb(sample: number): number {
  return sample <= 0.04045 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4;
}

export function multiply(matrix: readonly (readonly number[])[], [x, y, z]: Rgb): Rgb {
  const row = (i: number): number =>
    (matrix[i]?.[0] ?? 0) * x + (matrix[i]?.[1] ?? 0) * y + (matrix[i]?.[2] ?? 0) * z;
  return [row(0), row(1), row(2)];
}

/**
 * Colours of three primaries to sRGB.
 * @param curves from samples to light
 * @param primaries rows X, Y, Z with white D50; columns red, green, blue
 */
export function fromPrimaries(
  curves: readonly [Curve, Curve, Curve],
  primaries: readonly (readonly number[])[],
): ToSrgb {
  return ([red, green, blue]) => {
    const xyz = multiply(primaries, [curves[0](red), curves[1](green), curves[2](blue)]);
    const [r, g, b] = multiply(FROM_XYZ_D50, xyz);
    return [encodeSrgb(r), encodeSrgb(g), encodeSrgb(b)];
  };
}

/** From a sample to light, both from 0 to 1. */
export type Curve = (sample: number) => number;
