/** Choosing the golden pictures of a version, and embedding them. See core/embedding/golden.ts. */
import { embedPngs } from '../embedding/golden.ts';
import type { Golden } from '../embedding/golden.ts';
import { engineName } from '../embedding/embedder.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { KindredError } from '../errors.ts';
import { decodeReduced } from '../images/decode.ts';
import { encodePng } from '../images/png.ts';
import type { Picture } from '../images/dataset.ts';
import { probeImage } from '../images/probe.ts';
import { testCard } from '../images/test-card.ts';

/** Pictures that are looked at to choose from. */
const LOOKED_AT = 12;

/** How many times the pixels of the network's input a golden picture has at most: larger, so that the resize shows. */
const REDUCED_TO = 3;

/**
 * A test card, and the widest and the tallest of some of the pictures, reduced, as PNG.
 * @param embedder what they are to be reproduced by
 */
export async function goldenOf(embedder: Embedder, pictures: readonly Picture[]): Promise<Golden> {
  const { size } = embedder.preprocessing;
  const chosen = [{ name: 'test card', png: await encodePng(testCard(size)) }];
  for (const picture of await extremes(evenly(pictures, LOOKED_AT))) {
    const png = await ifUsable(() => reducedPng(picture, REDUCED_TO * size * size));
    if (png !== null) chosen.push({ name: picture.key, png });
  }
  const embeddings = await embedPngs(
    embedder,
    chosen.map(({ png }) => png),
  );
  return {
    dimensions: embedder.dimensions,
    pictures: chosen.map((picture, i) => ({ ...picture, embedding: embeddings[i] as Float32Array })),
    madeBy: engineName(embedder),
  };
}

async function reducedPng(picture: Picture, most: number): Promise<Uint8Array> {
  return encodePng({ ...(await decodeReduced(await picture.read(), most)), channels: 3 });
}

/** The widest and the tallest for their other side; one where there is no other. */
async function extremes(pictures: readonly Picture[]): Promise<Picture[]> {
  const shapes: { picture: Picture; ratio: number }[] = [];
  for (const picture of pictures) {
    const probe = await ifUsable(async () => probeImage(await picture.read()));
    if (probe !== null) shapes.push({ picture, ratio: probe.width / probe.height });
  }
  const sorted = shapes.toSorted((a, b) => a.ratio - b.ratio).map(({ picture }) => picture);
  return [...new Set([sorted.at(0), sorted.at(-1)])].filter((picture) => picture !== undefined);
}

/** Null for a picture that is damaged, or gone since the data set was scanned: another one will do. */
async function ifUsable<T>(use: () => Promise<T>): Promise<T | null> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof KindredError) return null;
    throw error;
  }
}

/** At most `count` of them, as far apart as can be. */
function evenly<T>(items: readonly T[], count: number): T[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, i) => items[Math.floor(i * step)] as T);
}
