/** Decoding by rules of its own, where libvips does otherwise than viewers: 16 bits, and colours that it does not convert. */
import type { Sharp } from 'sharp';
import { converterOf, spaceOf } from './colour/icc.ts';
import type { Rgb, ToSrgb } from './colour/srgb.ts';
import { ALL_LEVELS, usedLevels } from './levels.ts';
import type { Levels } from './levels.ts';
import type { ImageLimits } from './limits.ts';
import type { DecodedImage, Pixels, Smaller } from './pixels.ts';
import type { OpenedImage } from './probe.ts';
import { taggedTiff } from './tagged-tiff.ts';
import { decodeWithVips } from './vips-decode.ts';
import { sharp } from './vips.ts';

const WHITE = 65_535;
/** Sides of the grid of pixels that levels are found by: all of a smaller image. */
const GRID = 1024;

/** libvips has no profile for grey of 16 bits, no profile of RGB for grey, and no colours of PNG without a profile. */
export function needsExactness({ depth, colours, profile, container, format }: OpenedImage): boolean {
  if (colours === 'cmyk') return false;
  if (depth === 16 || container.toSrgb) return true;
  return profile !== null && (colours === 'grey' || isGreyAvif(format, profile));
}

/** AVIF of one channel is decoded to RGB. */
function isGreyAvif(format: OpenedImage['format'], profile: Uint8Array): boolean {
  return format === 'AVIF' && spaceOf(profile) === 'grey';
}

/** Shrinks the samples as they are, and then makes colours of them. */
export async function decodeExactly(
  image: OpenedImage,
  smaller: Smaller,
  limits: ImageLimits,
): Promise<DecodedImage> {
  const levels = image.depth === 16 ? await levelsOf(image, limits) : null;
  const samples = await samplesOf(image, smaller, limits);
  const { data, channels } = stretch(samples, levels ?? ALL_LEVELS, image.container.whiteIsZero);
  const convert = conversionOf(image);
  const { width, height } = smaller;
  const pixels = { width, height, data: overWhite(data, channels, convert ?? ((colour) => colour)) };
  const tables = convert === null ? tablesOf(image) : null;
  return { ...(tables ? await byTables(pixels, tables) : pixels), ...(levels && { levels }) };
}

interface Samples {
  /** From 0 to {@link WHITE}. */
  readonly data: Uint16Array;
  readonly channels: number;
}

/** The stored samples, before any conversion of colours. */
async function samplesOf(
  image: OpenedImage,
  { width, height, kernel }: Omit<Smaller, 'kernel'> & { kernel: Smaller['kernel'] | 'nearest' },
  limits: ImageLimits,
): Promise<Samples> {
  const isByte = image.depth === 8;
  const space = isByte ? 'srgb' : image.colours === 'grey' ? 'grey16' : 'rgb16';
  const work = async (source: Sharp): Promise<Samples> => {
    source.resize(width, height, { fit: 'fill', kernel, fastShrinkOnLoad: false }).toColourspace(space);
    const { data, info } = await source
      .raw({ depth: isByte ? 'uchar' : 'ushort' })
      .toBuffer({ resolveWithObject: true });
    const { channels } = info;
    if (isByte) return { channels, data: Uint16Array.from(data, (sample) => sample * 257) };
    return { channels, data: new Uint16Array(data.buffer, data.byteOffset, data.length / 2) };
  };
  return decodeWithVips(image, limits, work, { ignoreIcc: true });
}

/** From pixels on a grid, each as it is: means would hide the extremes, and depend on the size that is wanted. */
async function levelsOf(image: OpenedImage, limits: ImageLimits): Promise<Levels> {
  const [width = 1, height = 1] = [image.width, image.height].map((side) => Math.min(side, GRID));
  const [across, down] = image.container.orientation >= 5 ? [height, width] : [width, height];
  const samples = await samplesOf(image, { width: across, height: down, kernel: 'nearest' }, limits);
  const { data, channels } = image.container.whiteIsZero ? inverted(samples) : samples;
  return usedLevels(data, channels, coloursOf(channels));
}

/** @param whiteIsZero whether libvips has turned round what is stored */
function stretch(samples: Samples, { black, white }: Levels, whiteIsZero = false): Samples {
  if (black === ALL_LEVELS.black && white === ALL_LEVELS.white) return samples;
  if (whiteIsZero) return inverted(stretch(inverted(samples), { black, white }));
  const { data, channels } = samples;
  const [colours, factor] = [coloursOf(channels), WHITE / (white - black)];
  const stretched = data.map((sample, i) =>
    i % channels >= colours ? sample : Math.min(WHITE, Math.max(0, Math.round((sample - black) * factor))),
  );
  return { data: stretched, channels };
}

function inverted({ data, channels }: Samples): Samples {
  const colours = coloursOf(channels);
  return { channels, data: data.map((sample, i) => (i % channels >= colours ? sample : WHITE - sample)) };
}

function coloursOf(channels: number): number {
  return channels < 3 ? 1 : 3;
}

/** RGB of 8 bits from grey or RGB, with transparency or without. */
function overWhite(samples: Uint16Array, channels: number, convert: ToSrgb): Uint8Array {
  const colours = coloursOf(channels);
  const result = new Uint8Array((samples.length / channels) * 3);
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
    const [red, green, blue] = [0, 1, 2].map(
      (i) => samples[from + (colours === 1 ? 0 : i)]! / WHITE,
    ) as unknown as Rgb;
    const opacity = channels === colours ? 1 : samples[from + colours]! / WHITE;
    convert([red, green, blue]).forEach((ink, i) => {
      result[to + i] = Math.round(255 * (1 + (ink - 1) * opacity));
    });
  }
  return result;
}

/** By a profile, or by what a PNG says in its own chunks. A profile for RGB serves grey as well, as browsers have it. */
function conversionOf({ profile, colours, container, format }: OpenedImage): ToSrgb | null {
  if (container.toSrgb) return container.toSrgb;
  if (profile === null) return null;
  const isOfGrey = spaceOf(profile) === 'grey';
  if (isOfGrey && colours !== 'grey' && !isGreyAvif(format, profile)) return null;
  return converterOf(profile);
}

/** A profile for RGB that only libvips can read. */
function tablesOf({ profile }: OpenedImage): Uint8Array | null {
  return profile !== null && spaceOf(profile) === 'rgb' ? profile : null;
}

async function byTables({ width, height, data }: Pixels, profile: Uint8Array): Promise<Pixels> {
  const tagged = sharp(taggedTiff(width, height, data, profile), { failOn: 'error' });
  const { data: converted, info } = await tagged
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width, height, data: info.channels === 3 ? new Uint8Array(converted) : data };
}
