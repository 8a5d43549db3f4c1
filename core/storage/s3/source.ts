import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ConflictError } from '../../errors.ts';
import { explain } from '../fs/failure.ts';
import { quote } from '../keys.ts';
import { checkLocalFile, sha256 } from '../local-file.ts';

/** Larger content goes up in parts of this size, or larger ones: S3 takes at most 10,000. */
export const PART_BYTES = 8 << 20;
const MOST_PARTS = 10_000;
const HASHED_BYTES = 1 << 20;

/** What is to be stored. */
export interface Source {
  readonly size: number;
  /** Of the whole, hex. */
  readonly sha256: string;
  /**
   * The content in order, in pieces of {@link partSize}; it may be asked for again.
   * @throws ConflictError, instead of the last piece, when the file is not any more what `sha256` says
   */
  parts(): AsyncIterable<Uint8Array>;
}

/** Bytes of a part of content of this size. */
export function partSize(size: number): number {
  return Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS));
}

/** Looks at the content once and calls `work` with it; a file is open meanwhile. */
export async function withSource<T>(
  given: Uint8Array | { file: string },
  work: (source: Source) => Promise<T>,
): Promise<T> {
  if (given instanceof Uint8Array) return work(ofBytes(given));
  const { file } = given;
  await checkLocalFile(file);
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw explain(error, 'read', file);
  });
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of pieces(handle, file, HASHED_BYTES)) {
      hash.update(piece);
      size += piece.length;
    }
    return await work(ofFile(handle, file, size, hash.digest('hex')));
  } finally {
    await handle.close();
  }
}

function ofBytes(bytes: Uint8Array): Source {
  const length = partSize(bytes.length);
  return {
    size: bytes.length,
    sha256: sha256(bytes),
    async *parts() {
      for (let at = 0; at === 0 || at < bytes.length; at += length) yield bytes.subarray(at, at + length);
    },
  };
}

/** Of one open file throughout: what has the same name later may be another one. */
function ofFile(handle: FileHandle, file: string, size: number, expected: string): Source {
  return {
    size,
    sha256: expected,
    async *parts() {
      const hash = createHash('sha256');
      const held: Uint8Array[] = [];
      // One piece is held back: the last one is given only once the whole is known to be right.
      for await (const piece of pieces(handle, file, Math.min(partSize(size), size + 1))) {
        hash.update(piece);
        yield* held.splice(0);
        held.push(piece);
      }
      if (hash.digest('hex') !== expected) {
        throw new ConflictError(
          `The file ${quote(file)} changed while it was stored; nothing was written. Store it again.`,
        );
      }
      yield* size === 0 ? [new Uint8Array()] : held;
    },
  };
}

/** Pieces of exactly this length, but for the last one. */
async function* pieces(handle: FileHandle, file: string, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; at += length) {
    const piece = Buffer.allocUnsafe(length);
    let filled = 0;
    try {
      while (filled < length) {
        const { bytesRead } = await handle.read(piece, filled, length - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw explain(error, 'read', file);
    }
    if (filled > 0) yield piece.subarray(0, filled);
    if (filled < length) return;
  }
}
