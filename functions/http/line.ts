import { busy, goneAway } from '../errors.ts';

/** A queue with an end: so many at once, so many waiting, and everybody else is told to come again. */
export class Line {
  readonly #what: string;
  readonly #atOnce: number;
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #working = 0;

  /** @param what is done, for the message, such as "pictures are being decoded" */
  constructor(what: string, { atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }) {
    this.#what = what;
    this.#atOnce = atOnce;
    this.#most = waiting;
  }

  get working(): number {
    return this.#working;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Does the work when it is its turn.
   * @throws RequestError (busy) when too many wait, or (cancelled) when the signal comes first
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  async #turn(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw goneAway();
    if (this.#working < this.#atOnce) {
      this.#working++;
      return;
    }
    if (this.#waiting.size >= this.#most) {
      throw busy(`${this.#what}: ${this.#working}, and ${this.#most} wait already. Try again in a moment.`);
    }
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(go);
        reject(goneAway());
      };
      const go = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      this.#waiting.add(go);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Whoever waits longest takes the place over. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) this.#working--;
    else {
      this.#waiting.delete(first);
      first();
    }
  }
}
