import { decodeReduced } from './decode.ts';
import { sharp } from './vips.ts';

/** A small copy of a picture to look at, as a WebP file. Nothing but its pixels is in it: no place, no date, no camera. */
export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  readonly webp: Uint8Array;
}

/** Between what the eye notices at that size and what the bytes are worth. */
const QUALITY = 72;

/**
 * A copy of a picture with at most so many pixels, its sides in their proportion, seen as {@link decodeReduced} sees it.
 * @throws UnreadableImageError
 */
export async function thumbnail(bytes: Uint8Array, most: number): Promise<Thumbnail> {
  const { width, height, data } = await decodeReduced(bytes, most);
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  return { width, height, webp: new Uint8Array(await picture.webp({ quality: QUALITY }).toBuffer()) };
}
