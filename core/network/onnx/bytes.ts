import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CorruptDataError } from '../../errors.ts';

/** Bytes that are read where they are wanted. */
export interface Bytes {
  readonly size: number;
  /** Names them in errors. */
  readonly what: string;
  /** @throws CorruptDataError when they end before that */
  slice(offset: number, length: number): Uint8Array;
  close(): void;
}

/** The bytes, or those of the file at the path. Close it after use. */
export function bytesOf(source: Uint8Array | string, what: string): Bytes {
  if (typeof source === 'string') return bytesOfFile(source, what);
  return {
    size: source.length,
    what,
    slice(offset, length) {
      checkRange(offset, length, source.length, what);
      return source.subarray(offset, offset + length);
    },
    close: () => undefined,
  };
}

function bytesOfFile(path: string, what: string): Bytes {
  const descriptor = openSync(path, 'r');
  const { size } = fstatSync(descriptor);
  return {
    size,
    what,
    slice(offset, length) {
      checkRange(offset, length, size, what);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const got = readSync(descriptor, bytes, done, length - done, offset + done);
        if (got === 0) throw cutShort(what);
        done += got;
      }
      return bytes;
    },
    close: () => closeSync(descriptor),
  };
}

function checkRange(offset: number, length: number, size: number, what: string): void {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!isRange || offset + length > size) throw cutShort(what);
}

const cutShort = (what: string): CorruptDataError =>
  new CorruptDataError(`${what} is cut short or damaged: it names bytes that it does not have.`);
