import type { Pixels, Preprocessing } from './pixels.ts';

type Kernel = Preprocessing['kernel'];

/** Each kernel by its reach in pixels and its weight at a distance; cubic is Keys' with a = -1/2. */
const KERNELS: Readonly<Record<Kernel, { reach: number; readonly weight: (distance: number) => number }>> = {
  linear: { reach: 1, weight: (x) => 1 - x },
  cubic: {
    reach: 2,
    weight: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2),
  },
  lanczos3: { reach: 3, weight: (x) => sinc(x) * sinc(x / 3) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Enlarges RGB to `width` x `height`, neither smaller than now, by separable interpolation between pixel centres:
 * output pixel i lies at (i + 1/2) old / new - 1/2. Beyond the border there is nothing; the weights inside are
 * scaled to sum up to 1, as Pillow does.
 */
export function enlarge(pixels: Pixels, width: number, height: number, kernel: Kernel): Pixels {
  const wide = width === pixels.width ? pixels : alongRows(pixels, width, kernel);
  return height === pixels.height ? wide : alongColumns(wide, height, kernel);
}

function alongRows({ width, height, data }: Pixels, newWidth: number, kernel: Kernel): Pixels {
  const taps = tapsOf(width, newWidth, kernel);
  const result = new Uint8ClampedArray(newWidth * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (const { first, weights } of taps) {
      for (let channel = 0; channel < 3; channel++, to++) {
        const from = (y * width + first) * 3 + channel;
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[from + k * 3]!;
        result[to] = sum;
      }
    }
  }
  return { width: newWidth, height, data: new Uint8Array(result.buffer) };
}

function alongColumns({ width, height, data }: Pixels, newHeight: number, kernel: Kernel): Pixels {
  const stride = width * 3;
  const result = new Uint8ClampedArray(stride * newHeight);
  tapsOf(height, newHeight, kernel).forEach(({ first, weights }, y) => {
    for (let x = 0; x < stride; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[(first + k) * stride + x]!;
      result[y * stride + x] = sum;
    }
  });
  return { width, height: newHeight, data: new Uint8Array(result.buffer) };
}

/** For each output position the first input position that counts, and the weights from there on. */
function tapsOf(from: number, to: number, kernel: Kernel): { first: number; weights: Float64Array }[] {
  const { reach, weight } = KERNELS[kernel];
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to - 0.5;
    const first = Math.max(0, Math.floor(centre - reach) + 1);
    const last = Math.min(from - 1, Math.ceil(centre + reach) - 1);
    const weights = Float64Array.from({ length: last - first + 1 }, (_none, k) =>
      weight(Math.abs(first + k - centre)),
    );
    const sum = weights.reduce((total, value) => total + value, 0);
    return { first, weights: weights.map((value) => value / sum) };
  });
}
