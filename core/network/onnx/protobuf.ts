/**
 * Protocol Buffers, written only: https://protobuf.dev/programming-guides/encoding/.
 *
 * A message's size stands before it, so all sizes are summed up while it is put together; large contents are given
 * as promises of so many bytes, and made when they are written. The libraries there are encode a message whole, in memory.
 */

/** Bytes that are made when their turn comes. */
export interface Promised {
  readonly length: number;
  readonly pieces: () => Iterable<Uint8Array>;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

export class Message {
  readonly #parts: (Uint8Array | Promised)[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** int32, int64 or enum. */
  integer(field: number, value: number): this {
    return this.#add(varint(tag(field, VARINT))).#add(varint(value));
  }

  float(field: number, value: number): this {
    return this.#add(varint(tag(field, FIXED_32))).#add(new Uint8Array(Float32Array.of(value).buffer));
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array | Promised): this {
    return this.#add(varint(tag(field, LENGTH_DELIMITED)))
      .#add(varint(value.length))
      .#add(value);
  }

  message(field: number, value: Message): this {
    this.#add(varint(tag(field, LENGTH_DELIMITED))).#add(varint(value.length));
    for (const part of value.#parts) this.#add(part);
    return this;
  }

  /** Its bytes, a piece after the other. */
  *pieces(): Iterable<Uint8Array> {
    for (const part of this.#parts) {
      if (part instanceof Uint8Array) yield part;
      else yield* part.pieces();
    }
  }

  #add(part: Uint8Array | Promised): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

const tag = (field: number, wireType: number): number => field * 8 + wireType;

/** Seven bits a byte, the lowest first; negative numbers as 64 bits of two's complement. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}
