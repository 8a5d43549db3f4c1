import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { checkLocalFile, sha256, sha256OfFile } from '../local-file.ts';

/** A file that nobody wrote to for so long belongs to a process that died: between its last byte and its renaming is a minute at most. */
const LEFT_OVER_AFTER_MS = 60 * 60_000;

export interface Staged {
  readonly path: string;
  /** SHA-256 of the content, hex. */
  readonly etag: string;
}

/** Writes the content to a new file in `folder`, down to the disk. */
export async function stage(folder: string, source: Uint8Array | { file: string }): Promise<Staged> {
  if (!(source instanceof Uint8Array)) await checkLocalFile(source.file);
  const path = join(folder, randomBytes(16).toString('hex'));
  const handle = await open(path, 'wx');
  try {
    const etag = await fill(handle, path, source);
    await handle.sync();
    return { path, etag };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function fill(
  handle: FileHandle,
  path: string,
  source: Uint8Array | { file: string },
): Promise<string> {
  if (source instanceof Uint8Array) {
    await handle.writeFile(source);
    return sha256(source);
  }
  await copyFile(source.file, path, constants.COPYFILE_FICLONE);
  // Of the copy, not of the source: the source may change while it is being copied.
  return sha256OfFile(path);
}

/** Removes what writers that died have left in `folder`. */
export async function removeLeftOvers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    const isOld = found?.isFile() && Date.now() - found.mtimeMs >= LEFT_OVER_AFTER_MS;
    if (isOld) await rm(path, { force: true });
  }
}
