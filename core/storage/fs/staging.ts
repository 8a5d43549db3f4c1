import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { checkLocalFile, sha256, sha256OfFile } from '../local-file.ts';
import { tryLock } from './lock.ts';

/** A file this old whose writer holds no lock on it any more belongs to a process that died. */
const LEFT_OVER_AFTER_MS = 10 * 60_000;

export interface Staged {
  readonly path: string;
  /** SHA-256 of the content, hex. */
  readonly etag: string;
}

/**
 * Writes the content to a new file in `folder`, down to the disk. The writer keeps the file locked meanwhile,
 * so that a cleaner can tell a slow writer from a dead one.
 */
export async function stage(folder: string, source: Uint8Array | { file: string }): Promise<Staged> {
  if (!(source instanceof Uint8Array)) await checkLocalFile(source.file);
  const path = join(folder, randomBytes(16).toString('hex'));
  const handle = await open(path, 'wx');
  try {
    await tryLock(handle);
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
export async function removeLeftOvers(folder: string, olderThanMs = LEFT_OVER_AFTER_MS): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() && Date.now() - found.mtimeMs >= olderThanMs) await removeIfDead(path);
  }
}

async function removeIfDead(path: string): Promise<void> {
  const handle = await open(path, 'r+').catch(() => null);
  if (handle === null) return;
  try {
    if (await tryLock(handle)) await rm(path, { force: true });
  } finally {
    await handle.close();
  }
}
