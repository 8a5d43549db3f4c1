import type { Pixels } from './pixels.ts';

/**
 * Turns pixels upright.
 * @param orientation of the stored pixels, as EXIF counts (CIPA DC-008, 4.6.4): which side of the stored image the
 *   upright image's top and left are
 */
export function turnUpright({ width, height, data }: Pixels, orientation: number): Pixels {
  if (orientation <= 1 || orientation > 8) return { width, height, data };
  const isTransposed = orientation >= 5;
  const [newWidth, newHeight] = isTransposed ? [height, width] : [width, height];
  const mirrorX = [2, 3, 7, 8].includes(orientation);
  const mirrorY = [3, 4, 6, 7].includes(orientation);
  const result = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++, to += 3) {
      const [u, v] = isTransposed ? [y, x] : [x, y];
      const from = ((mirrorY ? height - 1 - v : v) * width + (mirrorX ? width - 1 - u : u)) * 3;
      result[to] = data[from] as number;
      result[to + 1] = data[from + 1] as number;
      result[to + 2] = data[from + 2] as number;
    }
  }
  return { width: newWidth, height: newHeight, data: result };
}
