import type { Triplets } from '../triplets.ts';

/** Triplets while they are being collected: arrays that double when full. */
export class TripletList {
  #indices = new Int32Array(3 * 64);
  #length = 0;

  push(anchor: number, positive: number, negative: number): void {
    const at = 3 * this.#length++;
    if (at === this.#indices.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.#indices);
      this.#indices = grown;
    }
    this.#indices[at] = anchor;
    this.#indices[at + 1] = positive;
    this.#indices[at + 2] = negative;
  }

  triplets(): Triplets {
    return { anchors: this.#column(0), positives: this.#column(1), negatives: this.#column(2) };
  }

  #column(column: number): Int32Array {
    const indices = this.#indices;
    return Int32Array.from({ length: this.#length }, (_, t) => indices[3 * t + column] as number);
  }
}
