import { mkdir, open, realpath, rmdir } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { InvalidInputError } from '../../errors.ts';
import { RESERVED_PART, quote } from '../keys.ts';
import { errno, isMissing } from './failure.ts';

/** The store's folder with links resolved, or null when it is not there. */
export async function realRoot(root: string): Promise<string | null> {
  return realpath(root).catch(nullWhenMissing);
}

/**
 * Where the file or folder really is, or null when there is none.
 * @throws InvalidInputError when links lead outside the store or in a circle
 */
export async function locate(root: string, path: string): Promise<string | null> {
  const [from, to] = await Promise.all([realRoot(root), realpath(path).catch(nullWhenMissing)]);
  if (from === null || to === null) return null;
  if (!isInside(from, to)) {
    throw new InvalidInputError(
      `${quote(path)} leads outside the store ${quote(root)} by a symbolic link; Kindred does not follow it. ` +
        `Replace the link by a copy of what it points to.`,
    );
  }
  return to;
}

/** True when the real path `to` lies in the real folder `from`, and not among the store's own hidden files. */
export function isInside(from: string, to: string): boolean {
  const relation = relative(from, to);
  const way = relation.split(sep);
  return !isAbsolute(relation) && way[0] !== '..' && way[0] !== RESERVED_PART && resolve(from, ...way) === to;
}

/**
 * Makes the folder and those above it as far as they are missing, and returns its real path; null when another process removed
 * it again at once, or a dead link is in the way.
 * @throws InvalidInputError when a link leads outside
 */
export async function ensureFolder(root: string, folder: string): Promise<string | null> {
  const missing: string[] = [];
  // Nothing is made beyond a link that leads outside.
  for (let at = folder; at !== root && (await locate(root, at)) === null; at = dirname(at)) missing.push(at);
  if (missing.length > 0) await makeFolders(folder);
  for (const made of missing) await syncFolder(dirname(made)).catch(ignoreMissing);
  return locate(root, folder);
}

/**
 * Makes a folder for the store's own hidden files and returns its real path.
 * @throws InvalidInputError when it is a link
 */
export async function ensureHiddenFolder(root: string, name: string): Promise<string> {
  await makeFolders(root);
  const folder = join(await realpath(root), RESERVED_PART, name);
  await makeFolders(folder);
  if ((await realpath(folder)) !== folder) {
    throw new InvalidInputError(
      `${quote(folder)} must not be or lie behind a symbolic link. Remove the link.`,
    );
  }
  return folder;
}

/** Not mkdir's own `recursive`: that one reports a read-only file system as a missing folder. */
async function makeFolders(path: string): Promise<void> {
  if ((await madeFolder(path)) || dirname(path) === path) return;
  await makeFolders(dirname(path));
  await madeFolder(path);
}

/** Whether the folder is there now; false when the one around it is missing. */
async function madeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (errno(error) !== 'EEXIST' && errno(error) !== 'ENOENT') throw error;
    return errno(error) === 'EEXIST';
  }
}

/** The error for a file where a folder is needed. */
export function inTheWay(path: string, cause: unknown): InvalidInputError {
  return new InvalidInputError(
    `A file is where a folder is needed, at or above ${quote(path)}. Move that file away, or choose another name.`,
    { cause },
  );
}

/** Makes renames, creations and removals in the folder outlive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  if (sep === '\\') return; // Windows has no such call for folders
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes `folder` and those above it, below `root`, as long as they are empty. */
export async function prune(root: string, folder: string): Promise<void> {
  for (let path = folder; path !== root && isInside(root, path); path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return; // not empty, or somebody else was faster: either way it need not go
    }
  }
}

/** It was removed again, or is a dead link. */
function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

function nullWhenMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
