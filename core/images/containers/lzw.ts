/** Codes have at most 12 bits (GIF89a, appendix F). */
const MOST_CODES = 4096;

/**
 * How many pixels LZW-coded data of a GIF stand for; nothing is decoded, only lengths are added up.
 * @param codeSize the least bits of a code, without clear and end
 * @param enough to stop at
 */
export function lzwPixels(data: Uint8Array, codeSize: number, enough: number): number {
  if (codeSize < 1 || codeSize > 11) return 0;
  const clear = 1 << codeSize;
  const lengths = new Uint16Array(MOST_CODES).fill(1, 0, clear);
  let [next, bits, last] = [clear + 2, codeSize + 1, 0];
  let [buffer, held, pixels] = [0, 0, 0];
  for (const byte of data) {
    buffer |= byte << held;
    held += 8;
    while (held >= bits) {
      const code = buffer & ((1 << bits) - 1);
      buffer >>>= bits;
      held -= bits;
      if (code === clear) [next, bits, last] = [clear + 2, codeSize + 1, 0];
      else if (code === clear + 1 || code > next || (code === next && last === 0)) return pixels;
      else {
        // A new code stands for the last one and one pixel more.
        if (last > 0 && next < MOST_CODES) {
          lengths[next++] = last + 1;
          if (next === 1 << bits && bits < 12) bits++;
        }
        last = lengths[code] as number;
        pixels += last;
        if (pixels >= enough) return pixels;
      }
    }
  }
  return pixels;
}
