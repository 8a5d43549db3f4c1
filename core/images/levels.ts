/**
 * Which samples of an image of 16 bits are black and white. Cameras of X-ray, microscopy and heat put 10, 12 or 14 bits
 * into 16; taken as they are, such images are almost black.
 */

export interface Levels {
  readonly black: number;
  readonly white: number;
}

/** All 16 bits: nothing is changed. */
export const ALL_LEVELS: Levels = { black: 0, white: 65_535 };

/** Of the samples at either end, the share that counts for nothing: pixels that are stuck. */
const IGNORED = 1 / 10_000;
/** A narrower range, as a share of what the bits can hold, is stretched from end to end: 32 of 256 levels. */
const NARROW = 1 / 8;
/** With fewer values than this there is nothing to be stretched but noise. */
const FEWEST_VALUES = 32;

/**
 * The rule, for each image from its own samples. Of the samples of all its colour channels, but for the most extreme
 * ten-thousandth at either end:
 * 1. White is the largest value of as many bits as the brightest of them needs, black is 0. Where that is 16 bits,
 *    nothing changes.
 * 2. If they lie within an eighth of that, and are more than 32 values apart, black is the darkest and white the
 *    brightest of them.
 * @param samples of 16 bits, `channels` a pixel
 * @param colours how many of the channels are colours; the rest is left aside
 */
export function usedLevels(samples: Uint16Array, channels: number, colours: number): Levels {
  const counts = new Uint32Array(65_536);
  for (let pixel = 0; pixel < samples.length; pixel += channels) {
    for (let channel = 0; channel < colours; channel++) counts[samples[pixel + channel] as number]!++;
  }
  const total = (samples.length / channels) * colours;
  const ignored = Math.floor(total * IGNORED);
  const [darkest, brightest] = [quantile(counts, ignored), quantile(counts, total - 1 - ignored)];
  const white = 2 ** Math.max(1, 32 - Math.clz32(brightest)) - 1;
  const range = brightest - darkest;
  if (range > FEWEST_VALUES && range < white * NARROW) return { black: darkest, white: brightest };
  return { black: 0, white };
}

/** The value of the sample that has so many before it. */
function quantile(counts: Uint32Array, before: number): number {
  let sum = 0;
  for (const [value, count] of counts.entries()) {
    sum += count;
    if (sum > before) return value;
  }
  return counts.length - 1;
}
