/** What answers: pictures in, embeddings out, whichever engine computes them. */
import type { Pixels, Preprocessing } from '../images/pixels.ts';

export interface Embedder {
  /** Numbers in an embedding. */
  readonly dimensions: number;
  /** How a picture must be decoded for it. */
  readonly preprocessing: Preprocessing;
  /** Engine and device, for people and manifests. */
  readonly engine: Readonly<Record<string, string>>;
  /**
   * @returns (pixels.length, dimensions), row-major
   * @throws InvalidInputError for a picture of another size, or when it was disposed of
   */
  embed(pixels: readonly Pixels[]): Promise<Float32Array>;
  /** What is under way still ends well, and gives its memory back then; nothing can be asked from now on. */
  dispose(): void;
}

/** Engine and device in one line. */
export function engineName({ engine }: Pick<Embedder, 'engine'>): string {
  return Object.values(engine).join(' ');
}
