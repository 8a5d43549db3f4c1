import type { Sharp, SharpOptions } from 'sharp';
import { UnreadableImageError } from '../errors.ts';
import type { ImageFormat } from './formats.ts';
import { checkJpegEnd } from './jpeg-end.ts';
import type { ImageLimits } from './limits.ts';
import { damaged } from './probe.ts';
import type { OpenedImage } from './probe.ts';
import { sharp } from './vips.ts';

/** What decoders, which fill up what is missing, also say of images that are all there. */
const HARMLESS: Partial<Record<ImageFormat, RegExp>> = {
  JPEG: /extraneous bytes before marker|Unknown Adobe|Inconsistent progression|JFIF/,
  TIFF: /TIFFReadDirectory|TIFFFetch|TIFFReadCustom|TIFFVGetField|Old-style|OJPEG/,
};
/** Bytes before the end marker that are not alike, which some cameras leave there. */
const MOST_STRAY_BYTES = 64;

/**
 * Decodes an image with libvips.
 *
 * Decoders warn about harmless oddities, which many phones write, and about missing content alike: libjpeg fills up
 * with grey and only says "premature end". So everything is strict first, and what was harmless is tried again.
 * @param work from an opened image to pixels; called again where the first attempt met something harmless
 * @param options.ignoreIcc to leave the samples as they are stored
 * @throws UnreadableImageError
 */
export async function decodeWithVips<T>(
  image: OpenedImage,
  limits: ImageLimits,
  work: (source: Sharp) => Promise<T>,
  { ignoreIcc = false } = {},
): Promise<T> {
  const attempt = (bytes: Uint8Array, failOn: NonNullable<SharpOptions['failOn']>): Promise<T> => {
    const options = { failOn, limitInputPixels: limits.pixels, sequentialRead: true, ignoreIcc } as const;
    return work(sharp(bytes, options).timeout({ seconds: Math.min(limits.seconds, 3600) }));
  };
  const { bytes } = image.container;
  try {
    await checkJpegEnd(image, limits);
    return await attempt(bytes, 'warning').catch((error: unknown) => {
      if (saysTimeout(error) || !isHarmless(image, messageOf(error))) throw error;
      return attempt(bytes, 'error');
    });
  } catch (error) {
    throw saysTimeout(error) ? tooSlow(image, limits, error) : damaged(image.format, error);
  }
}

function isHarmless({ format, container }: OpenedImage, message: string): boolean {
  if (HARMLESS[format]?.test(message) === false) return false;
  const stray = Number(/(\d+) extraneous bytes before marker 0xd9/.exec(message)?.[1] ?? 0);
  return stray <= MOST_STRAY_BYTES || container.doubt !== undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function saysTimeout(error: unknown): boolean {
  return messageOf(error).startsWith('timeout');
}

function tooSlow({ format }: OpenedImage, { seconds }: ImageLimits, cause: unknown): UnreadableImageError {
  return new UnreadableImageError(
    `the ${format} takes longer to decode than the ${seconds} s that are allowed; save the image again, smaller`,
    { cause },
  );
}
