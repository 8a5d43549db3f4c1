import type { Samples } from './png.ts';

/** Squares along the width; each has one colour and one kind of stripes. */
const TILES = 6;

/**
 * A picture that every mistake on the way to the embedding changes: saturated colours (swapped channels), stripes from
 * coarse to finer than a network sees, in three directions (other kernels, no antialiasing, turned or mirrored
 * pictures), other proportions than a square (cropped or padded ones), and a part that is half transparent.
 * @param size of the network's input; the card is clearly larger
 */
export function testCard(size: number): Samples {
  const [width, height] = [Math.round(2.1 * size), Math.round(1.4 * size)];
  const data = new Uint8Array(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const tile = Math.floor((x * TILES) / width) + TILES * Math.floor((y * TILES) / width);
      const light = 0.5 + 0.5 * Math.sin(phase(tile, x, y));
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = Math.round(255 * light * colour(tile, channel));
      }
      data[at + 3] = Math.hypot(x / width - 0.7, y / height - 0.6) < 0.2 ? 128 : 255;
    }
  }
  return { width, height, channels: 4, data };
}

/** Stripes of 24, 12, 6 and 3 pixels: along x, along y, or along both. */
function phase(tile: number, x: number, y: number): number {
  const wave = (2 * Math.PI) / (24 / 2 ** (tile % 4));
  return wave * [x, y, x + y][tile % 3]!;
}

/** Red, blue and green in different shares, in an order that looks the same from no other side. */
function colour(tile: number, channel: number): number {
  return [1, 0.25, 0.6][(channel + tile * tile + Math.floor(tile / 5)) % 3]!;
}
