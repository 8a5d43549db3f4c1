import assert from 'node:assert/strict';
import { Random } from '../../core/random.ts';

/** Numbers of the standard normal distribution, always the same ones for a seed. */
export function normals(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Largest |actual - expected| / max(|expected|, floor). */
export function worstError(actual: ArrayLike<number>, expected: ArrayLike<number>, floor = 1): number {
  assert.equal(actual.length, expected.length, 'as many numbers as expected');
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    const error = Math.abs(a - e) / Math.max(Math.abs(e), floor);
    // Not Math.max: a NaN has to win.
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** Every number as expected, but for rounding: |actual - expected| <= tolerance * max(|expected|, floor). */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { tolerance = 1e-4, floor = 1, what = 'numbers' } = {},
): void {
  const worst = worstError(actual, expected, floor);
  assert.ok(worst <= tolerance, `${what} are off by ${worst}, allowed is ${tolerance}`);
}
