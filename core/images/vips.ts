import sharp from 'sharp';
import type { ImageFormat } from './formats.ts';

/**
 * The one import of sharp. Every loader of libvips is blocked but those of the allowed formats, and these only from
 * memory: should the check of the first bytes ever be wrong, there is still nothing that opens a path or an address.
 * Blocking holds for the whole process.
 */
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`),
});

/** Each picture is decoded once: remembered results would only hold memory. */
sharp.cache(false);

/** One thread a picture; pictures run side by side. */
sharp.concurrency(1);

/** sharp's name of each allowed format. */
export const VIPS_NAMES: Readonly<Record<ImageFormat, string>> = {
  JPEG: 'jpeg',
  PNG: 'png',
  WebP: 'webp',
  GIF: 'gif',
  TIFF: 'tiff',
  AVIF: 'heif',
};

export { sharp };
