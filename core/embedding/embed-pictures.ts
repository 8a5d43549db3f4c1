/** Many pictures through an embedder: decoding runs ahead in threads, memory stays bounded. */
import { CancelledError } from '../errors.ts';
import type { Picture } from '../images/dataset.ts';
import { decodePictures } from '../images/decode-pictures.ts';
import type { Pixels } from '../images/pixels.ts';
import type { Embedder } from './embedder.ts';

export interface EmbeddedPictures {
  /** Those that could be decoded, in order; row i of `embeddings` is picture i. */
  readonly pictures: readonly Picture[];
  /** (pictures, dimensions), row-major. */
  readonly embeddings: Float32Array;
  readonly rejected: readonly { readonly picture: Picture; readonly reason: string }[];
}

export interface EmbedPicturesOptions {
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal | undefined;
}

const BLOCK = 16;

/** @throws CancelledError when the signal says so */
export async function embedPictures(
  embedder: Embedder,
  pictures: readonly Picture[],
  options: EmbedPicturesOptions = {},
): Promise<EmbeddedPictures> {
  const kept: Picture[] = [];
  const rejected: { picture: Picture; reason: string }[] = [];
  const embeddings = new Float32Array(pictures.length * embedder.dimensions);
  let block: Pixels[] = [];
  const tell = (): void => options.onProgress?.(kept.length + rejected.length, pictures.length);
  const flush = async (): Promise<void> => {
    if (block.length === 0) return;
    embeddings.set(await embedder.embed(block), (kept.length - block.length) * embedder.dimensions);
    block = [];
    tell();
  };
  for await (const { picture, pixels, error } of decodePictures(pictures, embedder.preprocessing)) {
    if (options.signal?.aborted) throw new CancelledError('Stopped while pictures were being embedded.');
    if (error !== undefined) {
      rejected.push({ picture, reason: error.message });
      tell();
      continue;
    }
    kept.push(picture);
    block.push(pixels);
    if (block.length === BLOCK) await flush();
  }
  await flush();
  return { pictures: kept, embeddings: embeddings.slice(0, kept.length * embedder.dimensions), rejected };
}

/** The embeddings by the SHA-256 of their images: views, each (dimensions). */
export function embeddingsBySum(
  { pictures, embeddings }: Pick<EmbeddedPictures, 'pictures' | 'embeddings'>,
  dimensions: number,
): Map<string, Float32Array> {
  return new Map(
    pictures.map(({ sha256 }, row) => [
      sha256,
      embeddings.subarray(row * dimensions, (row + 1) * dimensions),
    ]),
  );
}
