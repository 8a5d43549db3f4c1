/** A decoded picture as a person sees it: RGB, rows from the top, 3 bytes a pixel, `data.length === width * height * 3`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
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
