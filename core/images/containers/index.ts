import type { ImageFormat } from '../formats.ts';
import { readAvif } from './avif.ts';
import type { Container } from './container.ts';
import { readGif } from './gif.ts';
import { readJpeg } from './jpeg.ts';
import { readPng } from './png.ts';
import { readTiff } from './tiff.ts';
import { readWebp } from './webp.ts';

const READERS: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Container>> = {
  JPEG: readJpeg,
  PNG: readPng,
  WebP: readWebp,
  GIF: readGif,
  TIFF: readTiff,
  AVIF: readAvif,
};

/**
 * The image of a file alone: what decoders are given, in place of the file.
 * @throws BrokenContainer or UnsupportedKind
 */
export function readContainer(bytes: Uint8Array, format: ImageFormat): Container {
  return READERS[format](bytes);
}
