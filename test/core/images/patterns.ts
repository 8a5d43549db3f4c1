import type { Pixels, Preprocessing } from '../../../core/images/pixels.ts';

/** Smooth RGB with every channel, side and corner its own, so that no turn or mix-up of channels goes unseen. */
export function pattern(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set(
        [
          Math.round((255 * (x + 0.5)) / width),
          Math.round((255 * (y + 0.5)) / height),
          Math.round(127 + 100 * Math.sin((x / width + (2 * y) / height) * 3)),
        ],
        (y * width + x) * 3,
      );
    }
  }
  return { width, height, data };
}

/** A new picture whose pixel (x, y) is the old one's pixel at `from(x, y)`. */
export function rearranged(
  { width: oldWidth, data: old }: Pixels,
  width: number,
  height: number,
  from: (x: number, y: number) => readonly [number, number],
): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [oldX, oldY] = from(x, y);
      const at = (oldY * oldWidth + oldX) * 3;
      data.set(old.subarray(at, at + 3), (y * width + x) * 3);
    }
  }
  return { width, height, data };
}

export function squash(size: number, kernel: Preprocessing['kernel'] = 'linear'): Preprocessing {
  return { size, fit: 'squash', kernel };
}

/** The largest difference of two samples; infinite when the lengths differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/**
 * Resampling with the triangle kernel straight from its definition: an output pixel is the mean of all input pixels
 * by the triangle around its place, which is as wide as the larger of an input and an output pixel.
 */
export function naiveTriangle({ width, height, data }: Pixels, size: number): Float64Array {
  const weight = (from: number, i: number, old: number): number => {
    const scale = Math.max(1, old / size);
    return Math.max(0, 1 - Math.abs((from + 0.5 - ((i + 0.5) * old) / size) / scale));
  };
  const result = new Float64Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let [sum, total] = [0, 0];
        for (let v = 0; v < height; v++) {
          const vertical = weight(v, y, height);
          if (vertical === 0) continue;
          for (let u = 0; u < width; u++) {
            const both = vertical * weight(u, x, width);
            sum += both * data[(v * width + u) * 3 + channel]!;
            total += both;
          }
        }
        result[(y * size + x) * 3 + channel] = sum / total;
      }
    }
  }
  return result;
}
