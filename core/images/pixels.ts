import type { Levels } from './levels.ts';

/** A decoded picture as a person sees it: RGB, rows from the top, 3 bytes a pixel, `data.length === width * height * 3`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Pictures of one size as float32 (N, height, width, 3), 0..255, row-major. */
export function pixelNumbers(batch: readonly Pixels[]): Float32Array {
  const numbers = new Float32Array(batch.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of batch) {
    numbers.set(data, at);
    at += data.length;
  }
  return numbers;
}

/** How a picture becomes a network's input; part of every version, so that serving cannot differ from training. */
export interface Preprocessing {
  /** Side of the square input, in pixels. */
  readonly size: number;
  /** `squash`: both sides to `size`, aspect ignored (what the seed does). */
  readonly fit: 'squash';
  /** Resampling kernel. */
  readonly kernel: 'linear' | 'cubic' | 'lanczos3';
}

/** Pixels, and how those of an image of 16 bits were read. */
export interface DecodedImage extends Pixels {
  /** Which samples are black and white; missing for images of 8 bits. */
  readonly levels?: Levels;
}

/** The size to decode to. */
export interface Smaller {
  /** Neither side longer than now. */
  readonly width: number;
  readonly height: number;
  readonly kernel: Preprocessing['kernel'];
}
