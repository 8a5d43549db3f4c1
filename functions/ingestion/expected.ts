import type { ObjectStore } from '../../core/storage/store.ts';

export interface ExpectedOptions {
  readonly onArrival: (key: string) => void;
  readonly trouble: (error: unknown) => void;
  /** Milliseconds until the first look; each wait is longer than the one before. @default 1000 */
  readonly firstMs?: number;
}

interface Awaited {
  readonly etag: string | null;
  readonly until: number;
  nextAt: number;
  waitMs: number;
}

/** Looks for at once; others are found when the whole data set is compared. */
const MOST = 1000;
const LONGEST_WAIT_MS = 60_000;

/** Pictures that somebody was given an address for, which leads past this server: the store is asked until they are there. */
export class Expected {
  readonly #store: ObjectStore;
  readonly #options: Required<ExpectedOptions>;
  readonly #awaited = new Map<string, Awaited>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(store: ObjectStore, options: ExpectedOptions) {
    this.#store = store;
    this.#options = { firstMs: 1000, ...options };
  }

  async add(key: string, seconds: number): Promise<void> {
    if (this.#awaited.size >= MOST && !this.#awaited.has(key)) return;
    const etag = (await this.#store.head(key))?.etag ?? null;
    const { firstMs } = this.#options;
    const now = performance.now();
    this.#awaited.set(key, { etag, until: now + seconds * 1000, nextAt: now + firstMs, waitMs: firstMs });
    this.#timer ??= setInterval(() => void this.#look(), firstMs / 2).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#awaited.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const [key, awaited] of this.#awaited) {
        if (awaited.nextAt <= performance.now()) await this.#lookFor(key, awaited);
      }
    } catch (error) {
      this.#options.trouble(error);
    } finally {
      this.#looking = false;
    }
    if (this.#awaited.size === 0) this.close();
  }

  async #lookFor(key: string, awaited: Awaited): Promise<void> {
    const now = (await this.#store.head(key))?.etag ?? null;
    if (now !== awaited.etag && now !== null) {
      this.#awaited.delete(key);
      this.#options.onArrival(key);
    } else if (awaited.until < performance.now()) {
      this.#awaited.delete(key);
    } else {
      awaited.waitMs = Math.min(awaited.waitMs * 1.5, LONGEST_WAIT_MS);
      awaited.nextAt = performance.now() + awaited.waitMs;
    }
  }
}
