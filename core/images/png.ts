import { sharp } from './vips.ts';

/** Samples of 8 bits, rows from the top: `channels` a pixel, RGB or RGBA. */
export interface Samples {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

/** The picture as a PNG, without loss. */
export async function encodePng({ width, height, channels, data }: Samples): Promise<Uint8Array> {
  const png = await sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 9 }).toBuffer();
  return new Uint8Array(png);
}
