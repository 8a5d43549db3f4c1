/** A picture at several sizes: coarse ones to find where it fits another one, fine ones to tell whether it is the same. */

/** RGB as numbers, rows from the top, `side * side * 3` of them. */
export interface Level {
  readonly side: number;
  readonly values: Float32Array;
}

/** Halved until `smallest`, the smallest first. @param side a power of two times `smallest` */
export function pyramid(rgb: ArrayLike<number>, side: number, smallest: number): Level[] {
  const levels: Level[] = [{ side, values: Float32Array.from(rgb) }];
  while ((levels[0] as Level).side > smallest) levels.unshift(halved(levels[0] as Level));
  return levels;
}

function halved({ side, values }: Level): Level {
  const half = side / 2;
  const mean = new Float32Array(half * half * 3);
  for (let y = 0, to = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      for (let channel = 0; channel < 3; channel++, to++) {
        const at = (2 * y * side + 2 * x) * 3 + channel;
        const below = at + side * 3;
        mean[to] = (values[at]! + values[at + 3]! + values[below]! + values[below + 3]!) / 4;
      }
    }
  }
  return { side: half, values: mean };
}

/** Left and right changed. */
export function mirrored({ side, values }: Level): Level {
  const turned = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += 3) {
    const x = (at / 3) % side;
    turned.set(values.subarray(at, at + 3), at + (side - 1 - 2 * x) * 3);
  }
  return { side, values: turned };
}

/**
 * Every channel minus its mean, and all of it of length 1, so that inner products are correlations whatever the
 * brightness and contrast; null for a picture of (next to) one colour, which resembles every other one.
 */
export function normalised({ values }: Level): Float32Array | null {
  const count = values.length / 3;
  const means = [0, 0, 0];
  for (let i = 0; i < values.length; i++) means[i % 3]! += values[i]! / count;
  const centred = values.map((value, i) => value - means[i % 3]!);
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  if (length < FLAT * Math.sqrt(values.length)) return null;
  return centred.map((value) => value / length);
}

/** Standard deviation, of 255, below which there is nothing to compare. */
const FLAT = 2;
