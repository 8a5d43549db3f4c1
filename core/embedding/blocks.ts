/** What both engines do alike: pictures in blocks of bounded size, one block after the other, until it is disposed of. */
import { InvalidInputError } from '../errors.ts';
import type { Pixels } from '../images/pixels.ts';
import type { Embedder } from './embedder.ts';

interface Parts extends Pick<Embedder, 'dimensions' | 'preprocessing' | 'engine'> {
  /** Pictures in a block. */
  readonly atOnce: number;
  /** Computes one block. @returns (pixels.length, dimensions), row-major */
  readonly compute: (pixels: readonly Pixels[]) => Promise<Float32Array>;
  /** Gives the memory back. It is called once, when nothing is computed any more. */
  readonly free: () => void;
}

/** An embedder from what an engine does with one block. */
export function embedderOf({ atOnce, compute, free, ...said }: Parts): Embedder {
  const { dimensions, preprocessing } = said;
  let [underWay, disposed] = [0, false];
  const freeIfDone = (): void => {
    if (disposed && underWay === 0) free();
  };
  return {
    ...said,
    async embed(pixels) {
      if (disposed) {
        throw new InvalidInputError(
          'This embedder was disposed of and answers no more; open the version again.',
        );
      }
      for (const picture of pixels) checkSize(picture, preprocessing.size);
      const embeddings = new Float32Array(pixels.length * dimensions);
      underWay++;
      try {
        for (let start = 0; start < pixels.length; start += atOnce) {
          embeddings.set(await compute(pixels.slice(start, start + atOnce)), start * dimensions);
        }
      } finally {
        underWay--;
        freeIfDone();
      }
      return embeddings;
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      freeIfDone();
    },
  };
}

function checkSize({ width, height }: Pixels, size: number): void {
  if (width === size && height === size) return;
  throw new InvalidInputError(
    `a picture has ${width}x${height} pixels, this network takes ${size}x${size}; decode it with the version's own preprocessing`,
  );
}
