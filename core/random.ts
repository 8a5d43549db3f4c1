/**
 * A seeded generator whose whole state is one small array, so that a checkpoint can hold it.
 * Algorithm: xoshiro128** 1.1 (Blackman and Vigna, 2018), seeded by SplitMix32.
 */
export class Random {
  #state: Uint32Array;

  constructor(seed: number) {
    this.#state = new Uint32Array(4);
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  /** The state, to be handed to {@link Random.restore}. */
  save(): number[] {
    return [...this.#state];
  }

  static restore(state: readonly number[]): Random {
    const random = new Random(0);
    random.#state.set(state);
    return random;
  }

  /** An integer, uniform in [0, 2^32). */
  uint32(): number {
    const s = this.#state as unknown as [number, number, number, number];
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A float, uniform in [0, 1). */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer, uniform in [0, limit), without modulo bias. */
  below(limit: number): number {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 2 ** 32) {
      throw new RangeError(`a random number below ${limit} was asked for; allowed is 1 to 2^32`);
    }
    const ceiling = 2 ** 32 - (2 ** 32 % limit);
    for (;;) {
      const drawn = this.uint32();
      if (drawn < ceiling) return drawn % limit;
    }
  }

  /** A float from the standard normal distribution (Box and Muller, 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return radius * Math.cos(2 * Math.PI * this.float());
  }

  /** Shuffles in place (Fisher and Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i] as T;
      items[i] = items[j] as T;
      items[j] = held;
    }
    return items;
  }
}
