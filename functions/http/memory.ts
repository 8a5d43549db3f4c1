import { busy } from '../errors.ts';

/** How many bytes of bodies may be in memory at once, over all requests. */
export class Memory {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws RequestError (busy) when there is no room for so many bytes more; none are taken then */
  take(bytes: number): void {
    if (this.#taken + bytes > this.#most) {
      throw busy(
        'The bodies of other requests take all the memory there is for them. Try again in a moment.',
      );
    }
    this.#taken += bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}
