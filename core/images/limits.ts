import { InvalidInputError } from '../errors.ts';

/** What a picture may be at most; checked before anything is decoded. */
export interface ImageLimits {
  /** Size of the file, in bytes. */
  readonly bytes: number;
  /** Width times height, in pixels. */
  readonly pixels: number;
  /** The longer side, in pixels. */
  readonly side: number;
  /**
   * Bytes of pixels that a decoder may have to hold at once: all of an interlaced PNG, a progressive JPEG, a WebP or an
   * AVIF, by channels and depth; next to nothing of what is decoded row by row.
   */
  readonly memory: number;
  /** Time to decode one picture, in seconds of wall time; it stops what is small on disk but endless to decode. */
  readonly seconds: number;
}

/** Enough for the pictures of any camera; the side is JPEG's own bound. */
export const DEFAULT_LIMITS: ImageLimits = {
  bytes: 64 * 1024 * 1024,
  pixels: 100_000_000,
  side: 65_535,
  memory: 2 ** 28,
  seconds: 60,
};

/**
 * The limits given over the default ones.
 * @throws InvalidInputError for an unknown name, or a value that is not a whole number from 1 on
 */
export function resolveLimits(limits: Partial<ImageLimits> = {}): ImageLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      const names = Object.keys(DEFAULT_LIMITS).join(', ');
      throw new InvalidInputError(`There is no picture limit "${name}". The limits are ${names}.`);
    }
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new InvalidInputError(
        `The picture limit "${name}" is ${value}; it has to be a whole number from 1 on.`,
      );
    }
  }
  return { ...DEFAULT_LIMITS, ...limits };
}
