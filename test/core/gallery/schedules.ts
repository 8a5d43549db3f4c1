/** Operations on one registry that are under way at once: after every request to the store it is decided by chance which goes on. */
import type { Random } from '../../../core/random.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';

export class Crash extends Error {}

interface Waiting {
  readonly go: () => void;
}

export class Schedule {
  readonly #random: Random;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The store as one operation sees it: each request waits for its turn, and may be the last one before or after which it dies. */
  view(store: ObjectStore, crashes: number): ObjectStore {
    const turn = async <T>(request: () => Promise<T>): Promise<T> => {
      await this.#turn();
      if (this.#random.float() < crashes / 2) throw new Crash();
      const result = await request();
      if (this.#random.float() < crashes / 2) throw new Crash();
      return result;
    };
    return {
      ...store,
      get: async (key) => turn(async () => store.get(key)),
      head: async (key) => turn(async () => store.head(key)),
      put: async (key, source, condition) => turn(async () => store.put(key, source, condition)),
      delete: async (key) => turn(async () => store.delete(key)),
      list: (prefix) => this.#list(store, prefix),
    };
  }

  /** Each page of a listing waits for its turn, as in S3: files may come and go between two pages. */
  async *#list(store: ObjectStore, prefix: string): ReturnType<ObjectStore['list']> {
    let last = '';
    for (;;) {
      await this.#turn();
      const page = [];
      for await (const object of store.list(prefix)) {
        if (object.key > last && page.push(object) === 2) break;
      }
      if (page.length === 0) return;
      yield* page;
      last = page.at(-1)?.key ?? '';
    }
  }

  /** Runs until all operations have ended. */
  async run(operations: readonly (() => Promise<void>)[]): Promise<void> {
    const all = operations.map(async (operation) => {
      this.#running++;
      try {
        await operation();
      } finally {
        this.#running--;
      }
    });
    while (this.#running > 0) {
      // What does not wait for the store is computing; microtasks end before the next immediate.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#waiting.splice(this.#random.below(Math.max(1, this.#waiting.length)), 1);
      next?.go();
    }
    await Promise.all(all);
  }

  async #turn(): Promise<void> {
    return new Promise((go) => this.#waiting.push({ go }));
  }
}
