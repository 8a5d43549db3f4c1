/**
 * Golden pictures: a few that a version carries with the embeddings that were computed from them when it was made.
 * Whoever loads the version has to reproduce them, from the pictures' bytes on, before it answers; so a resize, a
 * channel order or an engine that differs from what the gallery was made with is found before it gives one answer.
 */
import { CorruptDataError, SkewError } from '../errors.ts';
import { decodeImage } from '../images/decode.ts';
import { engineName } from './embedder.ts';
import type { Embedder } from './embedder.ts';

export interface GoldenPicture {
  /** For people. */
  readonly name: string;
  readonly png: Uint8Array;
  readonly embedding: Float32Array;
}

export interface Golden {
  readonly dimensions: number;
  readonly pictures: readonly GoldenPicture[];
  /** What computed the embeddings, in words. */
  readonly madeBy: string;
}

/** An embedding counts as reproduced from this cosine on. Engines differ by 1e-6; another resampling kernel by 1e-3 and more. */
export const LEAST_COSINE = 0.9999;

/** Cosines know no length, distances do: by this share of it an embedding may be longer or shorter. */
const LENGTH_TOLERANCE = 0.01;

/** Computes what the pictures' embeddings are, from their bytes on. */
export async function embedPngs(embedder: Embedder, pngs: readonly Uint8Array[]): Promise<Float32Array[]> {
  const pixels = await Promise.all(pngs.map((png) => decodeImage(png, embedder.preprocessing)));
  const { dimensions } = embedder;
  const embeddings = await embedder.embed(pixels);
  return pngs.map((_, i) => embeddings.slice(i * dimensions, (i + 1) * dimensions));
}

/**
 * Embeds every golden picture and compares.
 * @param version whose they are, for the message
 * @throws CorruptDataError when they cannot be compared; SkewError naming the version, the engine, the picture and how far off it is
 */
export async function checkGolden(embedder: Embedder, golden: Golden, version: string): Promise<void> {
  if (embedder.dimensions !== golden.dimensions) {
    throw new CorruptDataError(
      `${version} has golden embeddings of ${golden.dimensions} numbers, but its network gives ${embedder.dimensions}.`,
    );
  }
  const found = await embedPngs(
    embedder,
    golden.pictures.map(({ png }) => png),
  );
  for (const [i, { name, embedding }] of golden.pictures.entries()) {
    const problem = difference(embedding, found[i] as Float32Array);
    if (problem === null) continue;
    throw new SkewError(
      `${version} does not answer here: its golden picture "${name}" is embedded differently by ${engineName(embedder)} ` +
        `than when the version was made (by ${golden.madeBy}): ${problem}. Its distances would mean nothing. ` +
        `Pictures are decoded or computed in another way on this machine: install the versions of package-lock.json ` +
        `("npm run setup"), and if that does not help, train the version again here.`,
    );
  }
}

/** What is wrong with an embedding, or null when it is the same but for rounding. */
function difference(expected: Float32Array, found: Float32Array): string | null {
  let [product, expectedSquare, foundSquare] = [0, 0, 0];
  for (const [i, value] of expected.entries()) {
    const other = found[i] as number;
    product += value * other;
    expectedSquare += value * value;
    foundSquare += other * other;
  }
  const cosine = product / Math.sqrt(expectedSquare * foundSquare);
  // Written so that what is not a number is a difference too.
  if (!(cosine >= LEAST_COSINE))
    return `the cosine is ${cosine.toFixed(5)} instead of at least ${LEAST_COSINE}`;
  const ratio = Math.sqrt(foundSquare / expectedSquare);
  if (Math.abs(ratio - 1) <= LENGTH_TOLERANCE) return null;
  return `the direction agrees (cosine ${cosine.toFixed(5)}), but it is ${ratio.toFixed(3)} times as long`;
}
