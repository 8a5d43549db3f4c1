import type { Memory } from './memory.ts';

const BLOCK_BYTES = 64 * 1024;
const FIRST_BLOCK_BYTES = 4 * 1024;

/** A body while it comes in. Its pieces are copied into blocks: they may be single bytes, each in an object that takes a hundred times as much. */
export class Blocks {
  readonly #memory: Memory;
  #blocks: Uint8Array<ArrayBuffer>[] = [];
  /** How much of the last block is filled. */
  #filled = 0;
  #taken = 0;
  /** Bytes that have come. */
  size = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** @param told how many bytes there should be in all; 0 where nobody said. @throws RequestError (busy) */
  add(piece: Uint8Array, told: number): void {
    for (let from = 0; from < piece.length;) {
      let last = this.#blocks.at(-1);
      if (last === undefined || this.#filled === last.length) {
        const missing = told > this.size ? told - this.size : Math.max(FIRST_BLOCK_BYTES, this.size);
        const length = Math.min(missing, BLOCK_BYTES);
        this.#take(length);
        last = new Uint8Array(length);
        this.#blocks.push(last);
        this.#filled = 0;
      }
      const part = piece.subarray(from, from + last.length - this.#filled);
      last.set(part, this.#filled);
      this.#filled += part.length;
      this.size += part.length;
      from += part.length;
    }
  }

  /** All of it in one; counts twice while it is copied. @throws RequestError (busy) */
  join(): Uint8Array<ArrayBuffer> {
    const [first = new Uint8Array(0)] = this.#blocks;
    if (this.#blocks.length <= 1) return first.subarray(0, this.size);
    this.#take(this.size);
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const block of this.#blocks) {
      all.set(block.subarray(0, this.size - at), at);
      at += block.length;
    }
    this.#blocks = [];
    this.#memory.give(this.#taken - this.size);
    this.#taken = this.size;
    return all;
  }

  give(): void {
    this.#blocks = [];
    this.#memory.give(this.#taken);
    this.#taken = 0;
  }

  #take(bytes: number): void {
    this.#memory.take(bytes);
    this.#taken += bytes;
  }
}
