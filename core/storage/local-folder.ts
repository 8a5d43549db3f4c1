import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConflictError } from '../errors.ts';
import { errno, explain } from './fs/failure.ts';
import { checkKey, quote } from './keys.ts';

export interface LocalFile {
  /** "/"-separated, below the folder. */
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * Writes the files to a new local folder, which appears under its name with all of them or, on any failure, not at all.
 * @throws ConflictError when the folder exists and is not empty
 */
export async function writeLocalFolder(folder: string, files: AsyncIterable<LocalFile>): Promise<void> {
  const target = resolve(folder);
  const partial = `${target}.partial-${randomBytes(6).toString('hex')}`;
  try {
    await checkEmpty(target);
    await mkdir(partial, { recursive: true });
    for await (const { name, content } of files) {
      checkKey(name);
      const path = join(partial, ...name.split('/'));
      await mkdir(dirname(path), { recursive: true });
      await pipeline(content, createWriteStream(path, { flags: 'wx' }));
    }
    await takePlace(partial, target);
  } catch (error) {
    throw explain(error, 'write', target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function checkEmpty(folder: string): Promise<void> {
  try {
    if ((await readdir(folder)).length > 0) throw occupied(folder);
  } catch (error) {
    if (errno(error) === 'ENOTDIR') throw occupied(folder);
    if (errno(error) !== 'ENOENT') throw error;
  }
}

async function takePlace(from: string, to: string): Promise<void> {
  try {
    // Windows does not rename over a folder, not even over an empty one.
    await rmdir(to).catch((error: unknown) => {
      if (errno(error) !== 'ENOENT') throw error;
    });
    await rename(from, to);
  } catch (error) {
    throw errno(error) === 'ENOTEMPTY' || errno(error) === 'EEXIST' ? occupied(to) : error;
  }
}

function occupied(folder: string): ConflictError {
  return new ConflictError(
    `${quote(folder)} exists and is not an empty folder; nothing was written. Name another one.`,
  );
}
