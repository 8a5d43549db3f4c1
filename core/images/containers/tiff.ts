import { BrokenContainer, LARGEST_PROFILE, UnsupportedKind } from './container.ts';
import type { Container } from './container.ts';
import { TiffDirectory, TAGS } from './tiff-directory.ts';

/** TIFF 6.0, and the numbers that came later; null: decoded. */
const COMPRESSIONS: Readonly<Record<number, string | null>> = {
  1: null,
  2: null,
  3: null,
  4: null,
  5: null,
  6: null,
  7: null,
  8: null,
  32773: null,
  32946: null,
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};

const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR] = [0, 1, 2, 3, 5, 6];
/** More than multispectral cameras have. */
const MOST_CHANNELS = 4096;
const CHANNELS: Readonly<Record<number, number>> = {
  [WHITE_IS_ZERO]: 1,
  [BLACK_IS_ZERO]: 1,
  [RGB]: 3,
  [PALETTE]: 1,
  [SEPARATED]: 4,
  [YCBCR]: 3,
};
const COLOURS: Readonly<Record<number, string>> = {
  4: 'a transparency mask',
  8: 'CIE L*a*b*',
  9: 'ICC L*a*b*',
  10: 'ITU L*a*b*',
  32803: 'raw sensor values',
  32844: 'LogL',
  32845: 'LogLuv',
  34892: 'linear raw values',
};
const SAMPLE_FORMATS: Readonly<Record<number, string>> = {
  2: 'signed numbers',
  3: 'floating-point numbers',
  5: 'complex whole numbers',
  6: 'complex numbers',
};

/**
 * Reads the first directory of a TIFF. The copy has only what decoding needs of it, and leads to no other one.
 * @throws UnsupportedKind for what libvips or this project does not decode
 */
export function readTiff(bytes: Uint8Array): Container {
  const copy = Buffer.from(bytes);
  const directory = new TiffDirectory(copy);
  const photometric = checkKind(directory);
  const [width, height] = [directory.first(TAGS.width, 0), directory.first(TAGS.height, 0)];
  const whole = isDecodedWhole(directory, width, height);
  const pixelBytes = (directory.first(TAGS.samples, 1) * Math.max(8, directory.first(TAGS.bits, 1))) / 8;
  const orientation = directory.first(TAGS.orientation, 1);
  const profileBytes = directory.bytesOf(TAGS.icc);
  directory.keepOnly((tag) => tag !== TAGS.icc || profileBytes <= LARGEST_PROFILE);
  return {
    bytes: copy,
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
    heldPerPixel: whole ? pixelBytes : 0,
    whiteIsZero: photometric === WHITE_IS_ZERO,
  };
}

function checkKind(directory: TiffDirectory): number {
  if (!directory.has(TAGS.width) || !directory.has(TAGS.height)) throw new BrokenContainer('it has no size');
  // Raw files of cameras begin with a thumbnail, which would be all that is seen of them.
  const isThumbnail = (directory.first(TAGS.kind, 0) & 1) === 1 && directory.has(TAGS.others);
  if (isThumbnail || directory.has(TAGS.dngVersion)) throw new UnsupportedKind("it is a camera's raw image");
  const compression = directory.first(TAGS.compression, 1);
  const method = COMPRESSIONS[compression];
  if (method === undefined) throw new BrokenContainer(`its compression is said to be ${compression}`);
  if (method !== null) throw new UnsupportedKind(`it is compressed with ${method}`);
  const photometric = directory.first(TAGS.photometric, BLACK_IS_ZERO);
  const channels = directory.first(TAGS.samples, 1);
  const colours = CHANNELS[photometric];
  if (colours === undefined) {
    const name = COLOURS[photometric];
    if (name === undefined) throw new BrokenContainer(`its colours are said to be of kind ${photometric}`);
    throw new UnsupportedKind(`its colours are ${name}`);
  }
  if (channels < colours || channels > MOST_CHANNELS)
    throw new BrokenContainer(`it has ${channels} channels`);
  if (channels > colours + 1) {
    throw new UnsupportedKind(`it has ${channels} channels, ${colours} and one for transparency are read`);
  }
  const format = SAMPLE_FORMATS[directory.first(TAGS.sampleFormat, 1)];
  if (format !== undefined) throw new UnsupportedKind(`its samples are ${format}`);
  const bits = directory.first(TAGS.bits, 1);
  if (bits === 0 || bits > 64) throw new BrokenContainer(`its samples have ${bits} bits`);
  if (![1, 2, 4, 8, 16].includes(bits)) throw new UnsupportedKind(`its samples have ${bits} bits`);
  return photometric;
}

/** libtiff decodes strips and tiles one by one; one that is as large as the image is the image. */
function isDecodedWhole(directory: TiffDirectory, width: number, height: number): boolean {
  const [tileWidth, tileHeight] = [directory.first(TAGS.tileWidth, 0), directory.first(TAGS.tileHeight, 0)];
  if (tileWidth * tileHeight > 4 * Math.max(width * height, 512 * 512)) {
    throw new BrokenContainer(`its tiles of ${tileWidth} x ${tileHeight} are larger than the image`);
  }
  const rows = tileHeight > 0 ? tileHeight : directory.first(TAGS.rowsPerStrip, height);
  return Math.min(rows, height) * 4 > height;
}
