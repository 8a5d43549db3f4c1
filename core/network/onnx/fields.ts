/** Protocol Buffers, read field by field: https://protobuf.dev/programming-guides/encoding/. Every length is checked. */
import { CorruptDataError } from '../../errors.ts';
import type { Bytes } from './bytes.ts';

/** A message, as a range of bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Field {
  readonly number: number;
  /** Of a whole number. */
  readonly value: number;
  /** Of text, bytes and messages; empty for numbers. */
  readonly content: Range;
}

const LONGEST_VARINT = 10;

/** The fields of the message, in order. @throws CorruptDataError */
export function* fieldsOf(bytes: Bytes, { start, end }: Range): Generator<Field> {
  for (let at = start; at < end;) {
    const [tag, afterTag] = varint(bytes, at, end);
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) {
      const [value, next] = varint(bytes, afterTag, end);
      yield { number, value, content: { start: next, end: next } };
      at = next;
      continue;
    }
    const content = contentOf(bytes, wireType, afterTag, end);
    if (content.end > end) throw damaged(bytes);
    yield { number, value: 0, content };
    at = content.end;
  }
}

function contentOf(bytes: Bytes, wireType: number, start: number, end: number): Range {
  if (wireType === 1) return { start, end: start + 8 };
  if (wireType === 5) return { start, end: start + 4 };
  if (wireType !== 2) throw damaged(bytes);
  const [length, from] = varint(bytes, start, end);
  return { start: from, end: from + length };
}

/** @returns the number and where it ends */
function varint(bytes: Bytes, start: number, end: number): [number, number] {
  const read = bytes.slice(start, Math.max(0, Math.min(LONGEST_VARINT, end - start)));
  let value = 0;
  for (const [i, byte] of read.entries()) {
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, start + i + 1];
  }
  throw damaged(bytes);
}

const damaged = ({ what }: Bytes): CorruptDataError =>
  new CorruptDataError(`${what} is damaged: it is no ONNX model.`);
