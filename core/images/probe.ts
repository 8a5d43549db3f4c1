import type { Metadata } from 'sharp';
import { UnreadableImageError, UnsupportedImageError } from '../errors.ts';
import { BrokenContainer, UnsupportedKind } from './containers/container.ts';
import type { Container } from './containers/container.ts';
import { readContainer } from './containers/index.ts';
import { ALLOWED_FORMATS, sniffFormat } from './formats.ts';
import type { ImageFormat } from './formats.ts';
import { resolveLimits } from './limits.ts';
import type { ImageLimits } from './limits.ts';
import { sharp, VIPS_NAMES } from './vips.ts';

/** What an image's header says. */
export interface ImageProbe {
  readonly format: ImageFormat;
  /** Width and height in pixels as a person sees them, EXIF orientation applied. */
  readonly width: number;
  readonly height: number;
  /** Bits of one sample as libvips holds it. */
  readonly depth: 8 | 16;
  /** How the samples are to be read. */
  readonly colours: 'grey' | 'rgb' | 'cmyk';
  /** Whether a colour profile is embedded. */
  readonly hasProfile: boolean;
}

/** An image that is ready to be decoded. */
export interface OpenedImage extends ImageProbe {
  /** What the decoder is given, without metadata. */
  readonly container: Container;
  readonly channels: number;
  /** The colour profile, or null. */
  readonly profile: Uint8Array | null;
}

/**
 * Reads the header of an image: format by the first bytes, size, nothing decoded. Refuses what is too large, of
 * another format, or has no sound header.
 * @throws UnreadableImageError naming what was found, what is allowed and what to do
 */
export async function probeImage(bytes: Uint8Array, limits: Partial<ImageLimits> = {}): Promise<ImageProbe> {
  const { format, width, height, depth, colours, hasProfile } = await openImage(bytes, limits);
  return { format, width, height, depth, colours, hasProfile };
}

/**
 * As {@link probeImage}, with what decoding needs. Of metadata, decoders see the colour profile alone.
 * @throws UnreadableImageError; UnsupportedImageError where nothing is wrong with the file but it is not decoded
 */
export async function openImage(bytes: Uint8Array, limits: Partial<ImageLimits> = {}): Promise<OpenedImage> {
  const allowed = resolveLimits(limits);
  checkByteCount(bytes.length, allowed);
  const format = checkFormat(bytes);
  const container = containerOf(bytes, format);
  const header = await readHeader(container.bytes, format);
  const { width, height, channels } = header;
  checkDimensions(width, height, allowed);
  checkCost(format, container, width * height, allowed);
  checkRun(format, container, width * height);
  const profile = container.profile ?? header.icc ?? null;
  const turned = container.orientation >= 5;
  return {
    format,
    width: turned ? height : width,
    height: turned ? width : height,
    depth: checkDepth(header.depth),
    colours: header.space === 'cmyk' ? 'cmyk' : channels < 3 ? 'grey' : 'rgb',
    hasProfile: profile !== null,
    container,
    channels,
    profile,
  };
}

/** @throws UnreadableImageError when a file of so many bytes is empty or too large; needs no content */
export function checkByteCount(count: number, limits: ImageLimits): void {
  if (count === 0) {
    throw new UnreadableImageError('the file is empty; copy it again from where it came from');
  }
  if (count > limits.bytes) {
    throw new UnreadableImageError(
      `the file has ${count} bytes, allowed are at most ${limits.bytes}; save the image smaller`,
    );
  }
}

function checkFormat(bytes: Uint8Array): ImageFormat {
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return sniffed.format;
  throw new UnsupportedImageError(
    `it is ${sniffed.other}, allowed are ${ALLOWED_FORMATS}; convert it to one of these or take it out`,
  );
}

function containerOf(bytes: Uint8Array, format: ImageFormat): Container {
  try {
    return readContainer(bytes, format);
  } catch (error) {
    if (error instanceof UnsupportedKind) throw unsupported(format, error);
    // A number was read behind the file's end.
    if (error instanceof BrokenContainer || error instanceof RangeError) throw damaged(format, error);
    throw error;
  }
}

async function readHeader(bytes: Uint8Array, format: ImageFormat): Promise<Metadata> {
  let header: Metadata;
  try {
    // The limit is checked by us, who can name the numbers; the header alone costs the same for any size.
    header = await sharp(bytes, { failOn: 'error', limitInputPixels: false }).metadata();
  } catch (error) {
    throw damaged(format, error);
  }
  if (header.format !== VIPS_NAMES[format]) {
    throw damaged(format, new Error(`its content reads as ${header.format}`));
  }
  return header;
}

function checkDimensions(width: number, height: number, limits: ImageLimits): void {
  if (width * height > limits.pixels || Math.max(width, height) > limits.side) {
    throw new UnreadableImageError(
      `it is ${width} x ${height} = ${width * height} pixels, allowed are at most ${limits.pixels} ` +
        `and ${limits.side} a side; scale the image down`,
    );
  }
}

/** What many scans go over together, in pixels: 20 scans of 20 megapixels. */
const MOST_PIXELS_OF_SCANS = 400_000_000;
/** More than encoders write. */
const USUAL_SCANS = 20;

function checkCost(format: ImageFormat, container: Container, pixels: number, limits: ImageLimits): void {
  const held = Math.round(pixels * container.heldPerPixel);
  if (held > limits.memory) {
    throw new UnreadableImageError(
      `decoding the ${format} takes ${held} bytes of memory, allowed are at most ${limits.memory}, since all of its ` +
        `pixels have to be held at once; save it without interlacing and with 8 bits a channel, or scale it down`,
    );
  }
  const { passes = 1 } = container;
  if (passes > USUAL_SCANS && passes * pixels > MOST_PIXELS_OF_SCANS) {
    throw new UnreadableImageError(
      `the ${format} has ${passes} scans of ${pixels} pixels, allowed are at most ${USUAL_SCANS} scans at that size; ` +
        `save it again`,
    );
  }
}

/** Bytes alike at the end of compressed data: encoders need one for ten thousand pixels of an even area. */
function checkRun(format: ImageFormat, { run = 0 }: Container, pixels: number): void {
  if (run > 16 + pixels / 5000) {
    throw damaged(format, new Error(`its last ${run} bytes are all alike, in place of the image's own`));
  }
}

function checkDepth(depth: string): 8 | 16 {
  if (depth === 'uchar') return 8;
  if (depth === 'ushort') return 16;
  throw new UnsupportedImageError(
    `its samples are of the kind "${depth}", which has no fixed black and white, allowed are unsigned whole numbers ` +
      `of at most 16 bits; convert it to 8 or 16 bits a channel`,
  );
}

/** What libraries say of files that they were built without, or not meant, to read. */
const NOT_BUILT = /not (?:configured|supported|implemented|built)|unsupported|bad labq format/i;

/** The error for a file whose first bytes promise `format` but whose content does not keep it. */
export function damaged(format: ImageFormat, cause: unknown): UnreadableImageError {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const detail = (lines.find((line) => !line.startsWith('Warning treated as error')) ?? '').trim();
  // sharp says of any file that no loader takes that its format is unsupported.
  if (NOT_BUILT.test(detail) && !detail.startsWith('Input buffer contains unsupported image format')) {
    return unsupported(format, new Error(detail, { cause }));
  }
  return new UnreadableImageError(
    `the ${format} is damaged or cut short (${detail}); copy it again from where it came from`,
    { cause },
  );
}

function unsupported(format: ImageFormat, cause: Error): UnsupportedImageError {
  return new UnsupportedImageError(
    `this kind of ${format} is not supported (${cause.message}); convert it to a plain ${format === 'TIFF' ? 'TIFF, PNG' : format + ', PNG'} or JPEG`,
    { cause },
  );
}
