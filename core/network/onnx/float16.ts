/** Numbers of 16 bits as IEEE 754 has them (binary16). */

/** The largest number there is. */
export const LARGEST_FLOAT16 = 65_504;

/** Below this, precision is lost. */
export const SMALLEST_NORMAL_FLOAT16 = 2 ** -14;

/** Rounds to the nearest, ties to even. */
export function toFloat16(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < bits.length; i++) halves[i] = half(bits[i] as number);
  return halves;
}

/** The same numbers in 32 bits. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const numbers = new Float32Array(halves.length);
  for (const [i, bits] of halves.entries()) numbers[i] = numberOf(bits);
  return numbers;
}

function numberOf(bits: number): number {
  const [sign, exponent, mantissa] = [bits & 0x8000 ? -1 : 1, (bits >>> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function half(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00 | (exponent === 143 && mantissa !== 0 ? 0x200 : 0);
  if (exponent < -10) return sign;
  // Of a subnormal number, the leading bit that is otherwise left out is written, too.
  if (exponent <= 0) return sign | rounded(mantissa | 0x800000, 14 - exponent);
  return sign + rounded((exponent << 23) | mantissa, 13);
}

/** Without its lowest `bits`; what rounds up may carry into the exponent, which is right. */
function rounded(value: number, bits: number): number {
  const kept = value >>> bits;
  const rest = value & ((1 << bits) - 1);
  const middle = 1 << (bits - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}
