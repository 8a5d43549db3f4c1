/** An image that waits to be ingested. */
export interface Waiting {
  /** `datasets/<dataset>/<class>/<file>` */
  readonly key: string;
  readonly attempts: number;
  /** Not before this moment, of `performance.now()`. */
  readonly notBefore: number;
}

const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;

/** Images to be ingested, each once, in bounded number. */
export class IngestQueue {
  readonly #most: number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** @returns false when the queue is full */
  put(key: string): boolean {
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= this.#most) return false;
    // It changed again, which may be what was wrong with it.
    this.#waiting.set(key, { key, attempts: known?.attempts ?? 0, notBefore: 0 });
    return true;
  }

  /** Takes out images that are due; one that failed before goes alone, since it may be why others failed with it. */
  take(most: number): Waiting[] {
    const now = performance.now();
    const due = [...this.#waiting.values()].filter(({ notBefore }) => notBefore <= now);
    const fresh = due.filter(({ attempts }) => attempts === 0).slice(0, most);
    const taken = fresh.length > 0 ? fresh : due.slice(0, 1);
    for (const { key } of taken) this.#waiting.delete(key);
    return taken;
  }

  /** Puts back images that failed, to be tried again after a while. @returns those that have failed too often */
  putBack(failed: readonly Waiting[]): Waiting[] {
    const given: Waiting[] = [];
    for (const waiting of failed) {
      const { key, attempts } = waiting;
      if (this.#waiting.has(key)) continue;
      if (attempts + 1 >= ATTEMPTS) given.push(waiting);
      else {
        const notBefore = performance.now() + FIRST_WAIT_MS * 2 ** attempts;
        this.#waiting.set(key, { key, attempts: attempts + 1, notBefore });
      }
    }
    return given;
  }

  /** Milliseconds until an image is due, or null when none waits. */
  waitMs(): number | null {
    const moments = [...this.#waiting.values()].map(({ notBefore }) => notBefore);
    return moments.length === 0 ? null : Math.max(0, Math.min(...moments) - performance.now());
  }
}
