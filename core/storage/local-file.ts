import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { InvalidInputError, NotFoundError } from '../errors.ts';
import { quote } from './keys.ts';

/** Throws unless `file` is a regular file that can be copied into a store. */
export async function checkLocalFile(file: string): Promise<void> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
      throw new NotFoundError(`There is no file ${quote(file)} to store.`, { cause });
    }
    throw new InvalidInputError(`The file ${quote(file)} cannot be stored: ${cause.message}.`, { cause });
  });
  if (!found.isFile())
    throw new InvalidInputError(`${quote(file)} is not a regular file; only files are stored.`);
}

/** Node hashes less than 2^31 bytes at a time. */
const LARGEST_HASHED = 2 ** 30;

/** SHA-256 of the bytes, hex. */
export function sha256(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += LARGEST_HASHED) {
    hash.update(bytes.subarray(at, at + LARGEST_HASHED));
  }
  return hash.digest('hex');
}

/** SHA-256 of a file's content, hex, in constant memory. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  const pieces: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 1 << 20 });
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Size in bytes and SHA-256, hex, of a file that can be copied into a store. */
export async function describeLocalFile(file: string): Promise<{ size: number; sha256: string }> {
  await checkLocalFile(file);
  return { size: (await stat(file)).size, sha256: await sha256OfFile(file) };
}
