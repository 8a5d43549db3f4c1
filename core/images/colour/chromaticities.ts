/** Primaries by their chromaticities, as PNG has them. */
import { multiply } from './srgb.ts';
import type { Rgb } from './srgb.ts';

type Point = readonly [x: number, y: number];

export interface Chromaticities {
  readonly white: Point;
  readonly red: Point;
  readonly green: Point;
  readonly blue: Point;
}

const D65: Point = [0.3127, 0.329];

export const SRGB_PRIMARIES: Chromaticities = {
  white: D65,
  red: [0.64, 0.33],
  green: [0.3, 0.6],
  blue: [0.15, 0.06],
};

/** By their numbers in ITU-T H.273, table 2. */
export const PRIMARIES: Readonly<Record<number, Chromaticities>> = {
  1: SRGB_PRIMARIES,
  9: { white: D65, red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046] },
  12: { white: D65, red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06] },
};

/** Cone responses by Bradford, and back. */
const BRADFORD = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];
const D50: Rgb = [0.9642, 1, 0.8249];

/**
 * The light of the primaries in CIE XYZ, adapted to D50 by Bradford's method.
 * @returns rows X, Y, Z, columns red, green, blue; null where they span no colours
 */
export function primariesToXyz({ white, red, green, blue }: Chromaticities): number[][] | null {
  if ([white, red, green, blue].some(([, y]) => y <= 0)) return null;
  const columns = [red, green, blue].map(xyzOf);
  const matrix = [0, 1, 2].map((row) => columns.map((column) => column[row] as number));
  const inverse = inverseOf(matrix);
  const back = inverseOf(BRADFORD);
  if (inverse === null || back === null) return null;
  const scale = multiply(inverse, xyzOf(white));
  const [from, to] = [multiply(BRADFORD, xyzOf(white)), multiply(BRADFORD, D50)];
  const adapted = columns.map((column, i) => {
    const cones = multiply(BRADFORD, column.map((value) => value * scale[i]!) as unknown as Rgb);
    return multiply(back, cones.map((value, k) => (value * to[k]!) / from[k]!) as unknown as Rgb);
  });
  return [0, 1, 2].map((row) => adapted.map((column) => column[row] as number));
}

function xyzOf([x, y]: Point): Rgb {
  return [x / y, 1, (1 - x - y) / y];
}

/** By Cramer's rule. */
function inverseOf(m: readonly (readonly number[])[]): number[][] | null {
  const at = (row: number, column: number): number => m[row % 3]![column % 3]!;
  const cofactor = (row: number, column: number): number =>
    at(row + 1, column + 1) * at(row + 2, column + 2) - at(row + 1, column + 2) * at(row + 2, column + 1);
  const determinant = [0, 1, 2].reduce((sum, column) => sum + at(0, column) * cofactor(0, column), 0);
  if (Math.abs(determinant) < 1e-9) return null;
  return [0, 1, 2].map((row) => [0, 1, 2].map((column) => cofactor(column, row) / determinant));
}
