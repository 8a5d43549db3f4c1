/** What a store has under a key, looked at as an image. */
import { TooLargeError, UnreadableImageError } from '../errors.ts';
import type { Picture } from '../images/dataset.ts';
import { resolveLimits } from '../images/limits.ts';
import { digest } from '../images/picture.ts';
import { checkByteCount } from '../images/probe.ts';
import type { ObjectStore } from '../storage/store.ts';

export interface StoredImage {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Computed when it is needed: in a folder that takes reading the bytes once more. */
  readonly etag: () => string;
}

/**
 * Reads an image; what is larger than an image may be is not read.
 * @returns null when nothing is there
 * @throws UnreadableImageError for what cannot be an image
 */
export async function readImage(store: ObjectStore, key: string): Promise<StoredImage | null> {
  const limits = resolveLimits();
  try {
    const found = await store.get(key, limits.bytes);
    if (found === null) return null;
    checkByteCount(found.bytes.length, limits);
    return { bytes: found.bytes, sha256: digest(found.bytes), etag: () => found.etag };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    throw new UnreadableImageError(error.message, { cause: error });
  }
}

/** An image whose bytes are in memory. */
export function imageInMemory(
  key: string,
  className: string,
  { bytes, sha256 }: Pick<StoredImage, 'bytes' | 'sha256'>,
): Picture {
  return { key, className, sha256, read: () => Promise.resolve(bytes) };
}
