import type { Metadata } from 'sharp';
import { UnreadableImageError } from '../errors.ts';
import { ALLOWED_FORMATS, sniffFormat } from './formats.ts';
import type { ImageFormat } from './formats.ts';
import { resolveLimits } from './limits.ts';
import type { ImageLimits } from './limits.ts';
import { sharp, VIPS_NAMES } from './vips.ts';

/** What a picture's header says. */
export interface ImageProbe {
  readonly format: ImageFormat;
  /** Width and height in pixels as a person sees them, EXIF orientation applied. */
  readonly width: number;
  readonly height: number;
  /** Bits of one sample as libvips holds it. */
  readonly depth: 8 | 16;
  readonly isCmyk: boolean;
  /** Whether a colour profile is embedded. */
  readonly hasProfile: boolean;
}

/**
 * Reads the header of a picture: format by the first bytes, size, nothing decoded. Refuses what is too large, of
 * another format, or has no sound header.
 * @throws UnreadableImageError naming what was found, what is allowed and what to do
 */
export async function probeImage(bytes: Uint8Array, limits: Partial<ImageLimits> = {}): Promise<ImageProbe> {
  const allowed = resolveLimits(limits);
  checkByteCount(bytes.length, allowed);
  const format = checkFormat(bytes);
  const header = await readHeader(bytes, format);
  checkDimensions(header.width, header.height, allowed);
  return {
    format,
    width: header.autoOrient.width,
    height: header.autoOrient.height,
    depth: checkDepth(header.depth),
    isCmyk: header.space === 'cmyk',
    hasProfile: header.icc !== undefined,
  };
}

/** @throws UnreadableImageError when a file of so many bytes is empty or too large; needs no content */
export function checkByteCount(count: number, limits: ImageLimits): void {
  if (count === 0) {
    throw new UnreadableImageError('the file is empty; copy it again from where it came from');
  }
  if (count > limits.bytes) {
    throw new UnreadableImageError(
      `the file has ${count} bytes, allowed are at most ${limits.bytes}; save the picture smaller`,
    );
  }
}

function checkFormat(bytes: Uint8Array): ImageFormat {
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return sniffed.format;
  throw new UnreadableImageError(
    `it is ${sniffed.other}, allowed are ${ALLOWED_FORMATS}; convert it to one of these or take it out`,
  );
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
        `and ${limits.side} a side; scale the picture down`,
    );
  }
}

function checkDepth(depth: string): 8 | 16 {
  if (depth === 'uchar') return 8;
  if (depth === 'ushort') return 16;
  throw new UnreadableImageError(
    `its samples are of the kind "${depth}", which has no fixed black and white, allowed are whole numbers of ` +
      `at most 16 bits; save it with 8 bits a channel`,
  );
}

/** The error for a file whose first bytes promise `format` but whose content does not keep it. */
export function damaged(format: ImageFormat, cause: unknown): UnreadableImageError {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const detail = lines.find((line) => !line.startsWith('Warning treated as error')) ?? '';
  return new UnreadableImageError(
    `the ${format} is damaged or cut short (${detail.trim()}); copy it again from where it came from`,
    { cause },
  );
}
