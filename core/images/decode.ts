import type { Sharp } from 'sharp';
import { InvalidInputError, UnreadableImageError } from '../errors.ts';
import { enlarge } from './enlarge.ts';
import { resolveLimits } from './limits.ts';
import type { ImageLimits } from './limits.ts';
import { cmykToRgb, toRgb } from './channels.ts';
import type { Pixels, Preprocessing } from './pixels.ts';
import { damaged, probeImage } from './probe.ts';
import type { ImageProbe } from './probe.ts';
import { sharp } from './vips.ts';

const KERNELS = ['linear', 'cubic', 'lanczos3'];
const LARGEST_SIZE = 4096;

/**
 * Decodes a picture to what a person sees: turned as its EXIF orientation says, in sRGB (an embedded profile is
 * applied; CMYK without one is mixed as ideal inks, as browsers do), transparency over white, the first frame of an
 * animation, 16 bits rounded down to 8. Then squashed to `size` x `size` with the kernel, antialiased when smaller.
 *
 * A file that is cut short or damaged is an error, not a half-grey picture.
 * @throws UnreadableImageError for bytes that are no sound picture of an allowed format, or exceed the limits
 * @throws InvalidInputError for preprocessing that there is not
 */
export async function decodeImage(
  bytes: Uint8Array,
  preprocessing: Preprocessing,
  limits: Partial<ImageLimits> = {},
): Promise<Pixels> {
  checkPreprocessing(preprocessing);
  const allowed = resolveLimits(limits);
  const probe = await probeImage(bytes, allowed);
  const { size, kernel } = preprocessing;
  // Only what is longer than `size`: libvips enlarges with a shift of half an output pixel.
  const [width, height] = [Math.min(size, probe.width), Math.min(size, probe.height)];
  const shrunk = await shrink(bytes, probe, { width, height, kernel }, allowed);
  return enlarge(shrunk, size, size, kernel);
}

/**
 * Decodes a picture in the same way, with its sides in their proportion, and smaller where it has too many pixels.
 * @param most how many pixels it may have
 * @throws UnreadableImageError
 */
export async function decodeReduced(bytes: Uint8Array, most: number): Promise<Pixels> {
  const allowed = resolveLimits();
  const probe = await probeImage(bytes, allowed);
  const factor = Math.min(1, Math.sqrt(most / (probe.width * probe.height)));
  const [width, height] = [probe.width, probe.height].map((side) => Math.max(1, Math.floor(side * factor)));
  return shrink(
    bytes,
    probe,
    { width: width as number, height: height as number, kernel: 'lanczos3' },
    allowed,
  );
}

interface Smaller {
  /** Neither side longer than now. */
  readonly width: number;
  readonly height: number;
  readonly kernel: Preprocessing['kernel'];
}

/**
 * Decodes to a size that is not larger.
 *
 * Decoders warn about harmless oddities, which many phones write, and about missing content alike: libjpeg fills up
 * with grey and only says "premature end". So everything is strict first, and what was harmless is tried again.
 */
async function shrink(
  bytes: Uint8Array,
  probe: ImageProbe,
  { width, height, kernel }: Smaller,
  limits: ImageLimits,
): Promise<Pixels> {
  const attempt = async (failOn: 'warning' | 'error'): Promise<Pixels> => {
    const picture = pipeline(bytes, probe, limits, failOn)
      // Shrinking while loading is faster still to its full extent, but adds moiré.
      .resize(width, height, { fit: 'fill', kernel, fastShrinkOnLoad: false });
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
    const convert = isPlainCmyk(probe) ? cmykToRgb : toRgb;
    return { width, height, data: convert(data, info.channels) };
  };
  try {
    return await attempt('warning').catch((error: unknown) => {
      if (saysTimeout(error) || saysContentIsMissing(error)) throw error;
      return attempt('error');
    });
  } catch (error) {
    throw saysTimeout(error) ? tooSlow(probe, limits, error) : damaged(probe.format, error);
  }
}

function saysContentIsMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('premature end');
}

function saysTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('timeout');
}

function tooSlow({ format }: ImageProbe, { seconds }: ImageLimits, cause: unknown): UnreadableImageError {
  return new UnreadableImageError(
    `the ${format} takes longer to decode than the ${seconds} s that are allowed; save the picture again, smaller`,
    { cause },
  );
}

/** From bytes to upright sRGB over white, or to the inks of a CMYK picture that has no profile. */
function pipeline(
  bytes: Uint8Array,
  probe: ImageProbe,
  limits: ImageLimits,
  failOn: 'warning' | 'error',
): Sharp {
  const options = {
    failOn,
    limitInputPixels: limits.pixels,
    sequentialRead: true,
    autoOrient: true,
  } as const;
  const picture = sharp(bytes, options).timeout({ seconds: Math.min(limits.seconds, 3600) });
  if (isPlainCmyk(probe)) return picture.pipelineColourspace('cmyk').toColourspace('cmyk');
  picture.flatten({ background: '#ffffff' }).toColourspace('srgb');
  // sharp works in Display P3 on 16 bits with a profile, and leaves the picture there unless told.
  return probe.depth === 16 && probe.hasProfile ? picture.withIccProfile('srgb') : picture;
}

function isPlainCmyk(probe: ImageProbe): boolean {
  return probe.isCmyk && !probe.hasProfile;
}

function checkPreprocessing({ size, fit, kernel }: Preprocessing): void {
  if (!Number.isSafeInteger(size) || size < 1 || size > LARGEST_SIZE) {
    throw new InvalidInputError(
      `The preprocessing's size is ${size}; it has to be a whole number from 1 to ${LARGEST_SIZE}.`,
    );
  }
  if (fit !== 'squash') {
    throw new InvalidInputError(
      `The preprocessing's fit is ${JSON.stringify(fit)}; the only one is "squash".`,
    );
  }
  if (!KERNELS.includes(kernel)) {
    throw new InvalidInputError(
      `The preprocessing's kernel is ${JSON.stringify(kernel)}; there are ${KERNELS.join(', ')}.`,
    );
  }
}
