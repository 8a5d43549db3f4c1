/** Pictures of several requests through one embedder, together where they come together. */
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { Pixels } from '../../core/images/pixels.ts';

interface Waiting {
  readonly pixels: Pixels;
  readonly resolve: (embedding: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** What the engine did at once. */
export interface Run {
  readonly pictures: number;
  readonly seconds: number;
}

/**
 * While the engine computes, pictures gather; then they go together. Nobody waits for others to come: a picture that
 * finds the engine idle goes alone.
 */
export class Batcher {
  readonly #embedder: Embedder;
  readonly #atMost: number;
  readonly #onRun: (run: Run) => void;
  readonly #waiting: Waiting[] = [];
  #busy = false;

  constructor(embedder: Embedder, atMost: number, onRun: (run: Run) => void) {
    this.#embedder = embedder;
    this.#atMost = atMost;
    this.#onRun = onRun;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** One picture's embedding. @throws as the embedder does */
  embed(pixels: Pixels): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pixels, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    // Pictures of one request that are ready in the same moment go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#run(this.#waiting.splice(0, this.#atMost));
    this.#busy = false;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const { dimensions } = this.#embedder;
    const began = performance.now();
    try {
      const all = await this.#embedder.embed(batch.map(({ pixels }) => pixels));
      this.#onRun({ pictures: batch.length, seconds: (performance.now() - began) / 1000 });
      for (const [i, { resolve }] of batch.entries())
        resolve(all.slice(i * dimensions, (i + 1) * dimensions));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
