/** What answers: pictures in, embeddings out, whichever engine computes them. */
import type { Pixels, Preprocessing } from '../images/pixels.ts';

export interface Embedder {
  /** Numbers in an embedding. */
  readonly dimensions: number;
  /** How a picture must be decoded for it. */
  readonly preprocessing: Preprocessing;
  /** Engine and device, for people and manifests. */
  readonly engine: Readonly<Record<string, string>>;
  /** @returns (pixels.length, dimensions), row-major */
  embed(pixels: readonly Pixels[]): Promise<Float32Array>;
  dispose(): void;
}
