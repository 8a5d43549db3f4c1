/** Pictures of several requests through one embedder, together where they come together. */
import type { Embedder } from '../../core/embedding/embedder.ts';
import type { Pixels } from '../../core/images/pixels.ts';
import { goneAway } from '../errors.ts';

interface Waiting {
  readonly pixels: Pixels;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal | undefined;
  /** The engine has taken it. */
  readonly taken: (entered: Entered) => void;
  /** It never will. */
  readonly refused: (error: unknown) => void;
}

interface Entered {
  readonly embedding: Promise<Float32Array>;
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
  async embed(pixels: Pixels): Promise<Float32Array> {
    const { embedding } = await this.enter(pixels);
    return embedding;
  }

  /**
   * Waits until the engine takes the picture.
   * @throws RequestError (cancelled) when the signal came first
   */
  enter(pixels: Pixels, signal?: AbortSignal): Promise<Entered> {
    return new Promise((taken, refused) => {
      this.#waiting.push({ pixels, signal, taken, refused });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    // Pictures of one request that are ready in the same moment go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#run(this.#next());
    this.#busy = false;
  }

  #next(): Waiting[] {
    const batch: Waiting[] = [];
    while (this.#waiting.length > 0 && batch.length < this.#atMost) {
      const [first] = this.#waiting.splice(0, 1);
      if (first?.signal?.aborted) first.refused(goneAway());
      else if (first !== undefined) batch.push(first);
    }
    return batch;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const { dimensions } = this.#embedder;
    const began = performance.now();
    const all = this.#embedder.embed(batch.map(({ pixels }) => pixels));
    for (const [i, { taken }] of batch.entries()) {
      taken({ embedding: all.then((rows) => rows.slice(i * dimensions, (i + 1) * dimensions)) });
    }
    try {
      await all;
      if (batch.length > 0) {
        this.#onRun({ pictures: batch.length, seconds: (performance.now() - began) / 1000 });
      }
    } catch {
      // Each of them is told.
    }
  }
}
