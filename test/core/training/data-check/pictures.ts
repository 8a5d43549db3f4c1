/** Small pictures for tests of what is found in data. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Random } from '../../../../core/random.ts';

const SAMPLES = fileURLToPath(new URL('../../../../samples/clothing10/', import.meta.url));

/** A PNG of blobs drawn by the seed. */
export async function encoded(seed: number, side = 96): Promise<Uint8Array> {
  const random = new Random(seed);
  const coarse = Uint8Array.from({ length: 6 * 6 * 3 }, () => random.below(256));
  const picture = sharp(coarse, { raw: { width: 6, height: 6, channels: 3 } });
  return new Uint8Array(await picture.resize(side, side, { kernel: 'cubic' }).png().toBuffer());
}

/** The samples' pictures of a class, by name. */
export function samples(className: string, count: number, part = 'train'): [name: string, bytes: Buffer][] {
  const folder = path.join(SAMPLES, part, className);
  return readdirSync(folder)
    .toSorted()
    .slice(0, count)
    .map((name) => [name, readFileSync(path.join(folder, name))]);
}

/** The same picture as other people save it. */
export const copies: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  'saved again, badly': (bytes) => sharp(bytes).jpeg({ quality: 30 }).toBuffer(),
  resized: async (bytes) => {
    const { width } = await sharp(bytes).metadata();
    return sharp(bytes)
      .resize(Math.round(width / 2))
      .jpeg()
      .toBuffer();
  },
  'cropped a little': async (bytes) => {
    const { width, height } = await sharp(bytes).metadata();
    const [left, top] = [Math.round(width * 0.03), Math.round(height * 0.02)];
    const frame = { left, top, width: Math.round(width * 0.95), height: Math.round(height * 0.94) };
    return sharp(bytes).extract(frame).jpeg().toBuffer();
  },
  brightened: (bytes) => sharp(bytes).modulate({ brightness: 1.15 }).jpeg().toBuffer(),
  mirrored: (bytes) => sharp(bytes).flop().jpeg().toBuffer(),
};
