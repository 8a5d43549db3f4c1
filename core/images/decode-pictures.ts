import { availableParallelism } from 'node:os';
import { CorruptDataError, InvalidInputError, NotFoundError, UnreadableImageError } from '../errors.ts';
import type { Picture } from './dataset.ts';
import { decodeImage } from './decode.ts';
import { inOrder } from './in-order.ts';
import type { ImageLimits } from './limits.ts';
import type { Pixels, Preprocessing } from './pixels.ts';

/** A picture's pixels, or why there are none. */
export type DecodedPicture =
  | { readonly picture: Picture; readonly pixels: Pixels; readonly error?: undefined }
  | { readonly picture: Picture; readonly error: Error; readonly pixels?: undefined };

export interface DecodePicturesOptions {
  /** Pictures read and decoded at once, each in a thread. @default {@link defaultConcurrency} */
  readonly concurrency?: number;
  readonly limits?: Partial<ImageLimits>;
}

/** Twice the cores, so that a core decodes while another picture is read; at most 16, for the memory's sake. */
export function defaultConcurrency(): number {
  return Math.min(16, 2 * availableParallelism());
}

/**
 * Reads and decodes pictures side by side and yields them in their order; at most `concurrency` are in memory. A
 * picture that cannot be used comes with its error and the rest goes on; a store that fails altogether throws.
 */
export async function* decodePictures(
  pictures: Iterable<Picture>,
  preprocessing: Preprocessing,
  options: DecodePicturesOptions = {},
): AsyncGenerator<DecodedPicture, void, void> {
  const concurrency = checkConcurrency(options.concurrency ?? defaultConcurrency());
  yield* inOrder(pictures, concurrency, async (picture): Promise<DecodedPicture> => {
    try {
      return { picture, pixels: await decodeImage(await picture.read(), preprocessing, options.limits) };
    } catch (error) {
      if (isThePictures(error)) return { picture, error };
      throw error;
    }
  });
}

/** @throws InvalidInputError unless it is a whole number from 1 on */
export function checkConcurrency(concurrency: number): number {
  if (Number.isSafeInteger(concurrency) && concurrency >= 1) return concurrency;
  throw new InvalidInputError(`The concurrency is ${concurrency}; it has to be a whole number from 1 on.`);
}

function isThePictures(error: unknown): error is Error {
  return (
    error instanceof UnreadableImageError ||
    error instanceof NotFoundError ||
    error instanceof CorruptDataError
  );
}
