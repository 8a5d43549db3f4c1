import type { Intent } from '../../core/ingest/intents.ts';

/** A picture that waits to be taken up, with the notes that are about it; without any where it was found by looking. */
export interface Waiting {
  readonly key: string;
  readonly ids: readonly string[];
  readonly attempts: number;
  /** Not before this moment, of `performance.now()`. */
  readonly notBefore: number;
}

const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;

/** Pictures to be taken up, each once, in bounded number: the notes of those that find no room stay in the store. */
export class IntentQueue {
  readonly #most: number;
  readonly #waiting = new Map<string, Waiting>();
  /** The store has notes that are not here. */
  overflowed = false;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add({ id, key }: Intent): void {
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      if (!known.ids.includes(id)) this.#waiting.set(key, { ...known, ids: [...known.ids, id] });
    } else if (this.#waiting.size >= this.#most) this.overflowed = true;
    else this.#waiting.set(key, { key, ids: [id], attempts: 0, notBefore: 0 });
  }

  /** Adds a picture that nobody has noted. @returns false when there is no room */
  put(key: string): boolean {
    if (this.#waiting.has(key)) return true;
    if (this.#waiting.size >= this.#most) return false;
    this.#waiting.set(key, { key, ids: [], attempts: 0, notBefore: 0 });
    return true;
  }

  /** Takes out those that may be taken up now; what failed before goes alone, since it may be why others failed with it. */
  take(most: number): Waiting[] {
    const now = performance.now();
    const due = [...this.#waiting.values()].filter(({ notBefore }) => notBefore <= now);
    const fresh = due.filter(({ attempts }) => attempts === 0).slice(0, most);
    const taken = fresh.length > 0 ? fresh : due.slice(0, 1);
    for (const { key } of taken) this.#waiting.delete(key);
    return taken;
  }

  /** Puts back what failed, to be tried again after a while. @returns what is given up; its notes stay in the store */
  putBack(failed: readonly Waiting[]): Waiting[] {
    const given: Waiting[] = [];
    for (const waiting of failed) {
      const { key, ids, attempts } = waiting;
      if (attempts + 1 >= ATTEMPTS) {
        given.push(waiting);
        continue;
      }
      const notBefore = performance.now() + FIRST_WAIT_MS * 2 ** attempts;
      const more = this.#waiting.get(key)?.ids ?? [];
      this.#waiting.set(key, { key, ids: [...ids, ...more], attempts: attempts + 1, notBefore });
    }
    return given;
  }

  /** Milliseconds until something may be taken up, or null when nothing waits. */
  waitMs(): number | null {
    const moments = [...this.#waiting.values()].map(({ notBefore }) => notBefore);
    return moments.length === 0 ? null : Math.max(0, Math.min(...moments) - performance.now());
  }
}
