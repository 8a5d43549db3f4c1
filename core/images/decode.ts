import { InvalidInputError } from '../errors.ts';
import { cmykToRgb, toRgb } from './channels.ts';
import { decodeExactly, needsExactness } from './decode-exactly.ts';
import { enlarge } from './enlarge.ts';
import { resolveLimits } from './limits.ts';
import type { ImageLimits } from './limits.ts';
import { turnUpright } from './orient.ts';
import type { DecodedImage, Pixels, Preprocessing, Smaller } from './pixels.ts';
import { openImage } from './probe.ts';
import type { OpenedImage } from './probe.ts';
import { decodeWithVips } from './vips-decode.ts';

const KERNELS = ['linear', 'cubic', 'lanczos3'];
const LARGEST_SIZE = 4096;

/**
 * Decodes an image to what a person sees: turned as its EXIF orientation says, in sRGB (an embedded profile is
 * applied; CMYK without one is mixed as ideal inks, as browsers do), transparency over white, the first frame of an
 * animation, 16 bits rounded to 8 between the levels that are used ({@link usedLevels}). Then squashed to
 * `size` x `size` with the kernel, antialiased when smaller.
 *
 * A file that is cut short or damaged is an error, not a half-grey image. Where only the end marker is missing, it is
 * neither.
 * @throws UnreadableImageError for bytes that are no sound image of an allowed format, or exceed the limits
 * @throws UnsupportedImageError for formats and kinds of formats that are not decoded
 * @throws InvalidInputError for preprocessing that there is not
 */
export async function decodeImage(
  bytes: Uint8Array,
  preprocessing: Preprocessing,
  limits: Partial<ImageLimits> = {},
): Promise<DecodedImage> {
  checkPreprocessing(preprocessing);
  const allowed = resolveLimits(limits);
  const image = await openImage(bytes, allowed);
  const { size, kernel } = preprocessing;
  // Only what is longer than `size`: libvips enlarges with a shift of half an output pixel.
  const [width, height] = [Math.min(size, image.width), Math.min(size, image.height)];
  const shrunk = await shrink(image, { width, height, kernel }, allowed);
  return { ...enlarge(shrunk, size, size, kernel), ...(shrunk.levels && { levels: shrunk.levels }) };
}

/**
 * Decodes an image in the same way, with its sides in their proportion, and smaller where it has too many pixels.
 * @param most how many pixels it may have
 * @throws UnreadableImageError
 */
export async function decodeReduced(bytes: Uint8Array, most: number): Promise<Pixels> {
  const allowed = resolveLimits();
  const image = await openImage(bytes, allowed);
  const factor = Math.min(1, Math.sqrt(most / (image.width * image.height)));
  const [width = 1, height = 1] = [image.width, image.height].map((side) =>
    Math.max(1, Math.floor(side * factor)),
  );
  return shrink(image, { width, height, kernel: 'lanczos3' }, allowed);
}

/** Decodes to a size that is not larger, upright. */
async function shrink(image: OpenedImage, smaller: Smaller, limits: ImageLimits): Promise<DecodedImage> {
  const { orientation } = image.container;
  // Turned when it is small: libvips would hold all pixels to do it.
  const { width, height, kernel } = smaller;
  const lying = orientation >= 5 ? { width: height, height: width, kernel } : smaller;
  if (needsExactness(image)) {
    const { levels, ...pixels } = await decodeExactly(image, lying, limits);
    return { ...turnUpright(pixels, orientation), ...(levels && { levels }) };
  }
  return turnUpright(await decodePlainly(image, lying, limits), orientation);
}

/** By libvips alone: to sRGB over white, or to the inks of a CMYK image that has no profile. */
async function decodePlainly(
  image: OpenedImage,
  { width, height, kernel }: Smaller,
  limits: ImageLimits,
): Promise<Pixels> {
  const isPlainCmyk = image.colours === 'cmyk' && !image.hasProfile;
  return decodeWithVips(image, limits, async (source) => {
    if (isPlainCmyk) source.pipelineColourspace('cmyk').toColourspace('cmyk');
    else source.flatten({ background: '#ffffff' }).toColourspace('srgb');
    // Shrinking while loading is faster still to its full extent, but adds moiré.
    source.resize(width, height, { fit: 'fill', kernel, fastShrinkOnLoad: false });
    if (!isPlainCmyk) {
      const { data, info } = await source.raw().toBuffer({ resolveWithObject: true });
      return { width, height, data: toRgb(data, info.channels) };
    }
    const isByte = image.depth === 8;
    const { data, info } = await source
      .raw({ depth: isByte ? 'uchar' : 'ushort' })
      .toBuffer({ resolveWithObject: true });
    return { width, height, data: cmykToRgb(isByte ? data : highBytes(data), info.channels) };
  });
}

function highBytes(data: Buffer): Uint8Array {
  const words = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return Uint8Array.from(words, (word) => Math.round(word / 257));
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
