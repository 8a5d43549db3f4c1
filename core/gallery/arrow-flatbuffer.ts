/**
 * A table of a FlatBuffers message, read in place: https://flatbuffers.dev/internals/. Only what Arrow's metadata needs.
 * Every position is checked, because DataView throws a RangeError outside its bytes and vectors must fit before they are walked;
 * the generated readers of the Arrow library check neither, and a damaged length keeps them busy for very long.
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #position: number;

  private constructor(view: DataView, position: number) {
    this.#view = view;
    this.#position = position;
  }

  /** The root table of a message. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getUint32(0, true));
  }

  has(slot: number): boolean {
    return this.#field(slot) !== null;
  }

  uint8(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getUint8(at);
  }

  int16(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getInt16(at, true);
  }

  int32(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : this.#view.getInt32(at, true);
  }

  /** A 64-bit integer that must be a size: from 0 to 2^53 - 1. */
  size(slot: number): number {
    const at = this.#field(slot);
    return at === null ? 0 : asSize(this.#view.getBigInt64(at, true));
  }

  table(slot: number): FlatTable | null {
    const at = this.#field(slot);
    return at === null ? null : new FlatTable(this.#view, this.#follow(at));
  }

  text(slot: number): string {
    const { start, length } = this.#vector(slot, 1);
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, length);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  }

  /** A vector of at most `most` tables. */
  tables(slot: number, most: number): FlatTable[] {
    const { start, length } = this.#vector(slot, 4, most);
    return Array.from({ length }, (_, i) => new FlatTable(this.#view, this.#follow(start + 4 * i)));
  }

  /** A vector of at most `most` structs of `bytes` bytes each: of every one, the 64-bit sizes at these offsets. */
  structs(slot: number, most: number, bytes: number, offsets: readonly number[]): number[][] {
    const { start, length } = this.#vector(slot, bytes, most);
    return Array.from({ length }, (_, i) =>
      offsets.map((offset) => asSize(this.#view.getBigInt64(start + i * bytes + offset, true))),
    );
  }

  #vector(slot: number, elementBytes: number, most = Infinity): { start: number; length: number } {
    const at = this.#field(slot);
    if (at === null) return { start: 0, length: 0 };
    const position = this.#follow(at);
    const length = this.#view.getUint32(position, true);
    if (length > most || length * elementBytes > this.#view.byteLength - position - 4) {
      throw new RangeError(`a list of ${length} elements does not fit`);
    }
    return { start: position + 4, length };
  }

  /** Where a field's value lies, or null when it has its default. */
  #field(slot: number): number | null {
    const vtable = this.#position - this.#view.getInt32(this.#position, true);
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.#view.getUint16(vtable, true)) return null;
    const offset = this.#view.getUint16(vtable + entry, true);
    return offset === 0 ? null : this.#position + offset;
  }

  #follow(at: number): number {
    return at + this.#view.getUint32(at, true);
  }
}

function asSize(value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} is not a size`);
  return Number(value);
}
