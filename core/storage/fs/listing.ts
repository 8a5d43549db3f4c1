import { readdir, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { InvalidInputError } from '../../errors.ts';
import { RESERVED_PART, keyProblem } from '../keys.ts';
import type { ListedObject, ListingProblem } from '../store.ts';
import { errno, isMissing } from './failure.ts';
import { locate } from './folders.ts';

const STATS_AT_ONCE = 32;
/** So often is a folder read in which something vanishes. */
const PASSES = 100;

interface Entry {
  readonly key: string;
  /** Null when it is to be reported only. */
  readonly path: string | null;
  readonly isFolder: boolean;
  readonly size: number;
  readonly state?: string;
  readonly problem?: ListingProblem;
}

/**
 * Every file below the real folder `folder`, whose own key is `base` ('' or ending in "/"), with a key that starts
 * with `prefix`, in code-unit order. `above` holds the real folders on the way down, to notice circles of links.
 */
export async function* walk(
  root: string,
  folder: string,
  base: string,
  prefix: string,
  above: readonly string[] = [],
): AsyncGenerator<ListedObject> {
  const path = [...above, folder];
  const entries = await entriesOf(root, folder, base, prefix, path);
  const sorted = entries.toSorted((a, b) => compare(sortName(a), sortName(b)));
  for (const { key, path: real, isFolder, size, state = '', problem } of sorted) {
    if (isFolder && real !== null) yield* walk(root, real, `${key}/`, prefix, path);
    else if (key.startsWith(prefix)) yield problem ? { key, size, problem } : { key, size, state };
  }
}

/**
 * What is in the folder. It is read again while something vanishes between its name being read and its being looked at: a file that was there
 * all the time under one name or another, written under the new one before the old one was removed, is found under one of them.
 */
async function entriesOf(
  root: string,
  folder: string,
  base: string,
  prefix: string,
  above: readonly string[],
): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  for (let pass = 1, vanished = true; vanished && pass <= PASSES; pass++) {
    vanished = false;
    const candidates = (await readFolder(folder)).filter(
      (entry) =>
        !isHidden(base, entry) && canMatch(base + name(entry), prefix) && !entries.has(identity(entry)),
    );
    for (let at = 0; at < candidates.length; at += STATS_AT_ONCE) {
      const batch = candidates.slice(at, at + STATS_AT_ONCE);
      const found = await Promise.all(batch.map((entry) => inspect(root, folder, base, entry, above)));
      for (const [i, entry] of found.entries()) {
        if (entry === null) vanished = true;
        else entries.set(identity(batch[i] as Dirent<Buffer>), entry);
      }
    }
  }
  return [...entries.values()];
}

/** The names of the folders in the real folder `folder` that hold a file somewhere below, in code-unit order. */
export async function* foldersIn(root: string, folder: string, base: string): AsyncGenerator<string> {
  const candidates = (await readFolder(folder)).filter((entry) => !isHidden(base, entry) && !entry.isFile());
  for (const entry of candidates.toSorted((a, b) => compare(name(a), name(b)))) {
    const found = await inspect(root, folder, base, entry, [folder]);
    if (found?.isFolder && found.path !== null && (await holdsFile(root, found.path, `${found.key}/`)))
      yield name(entry);
  }
}

async function holdsFile(root: string, folder: string, base: string): Promise<boolean> {
  for await (const found of walk(root, folder, base, base)) if (!found.problem) return true;
  return false;
}

/** Names as bytes: one that is not UTF-8 must be reported, not lost. */
async function readFolder(folder: string): Promise<Dirent<Buffer>[]> {
  try {
    return await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function inspect(
  root: string,
  folder: string,
  base: string,
  entry: Dirent<Buffer>,
  above: readonly string[],
): Promise<Entry | null> {
  const key = base + name(entry);
  const reported = (kind: ListingProblem['kind'], reason: string): Entry => {
    return { key, path: null, isFolder: false, size: 0, problem: { kind, reason } };
  };
  if (!Buffer.from(name(entry)).equals(entry.name))
    return reported('bad-name', 'the name is not UTF-8; rename it');
  const badName = keyProblem(key);
  if (badName !== null) return reported('bad-name', `the name ${badName}; rename it`);
  try {
    const path = entry.isSymbolicLink()
      ? await locate(root, join(folder, name(entry)))
      : join(folder, name(entry));
    if (path === null) return reported('unreadable', 'the symbolic link leads nowhere');
    if (above.includes(path))
      return reported('unreadable', 'the symbolic link leads back to a folder around it');
    const found = await stat(path);
    if (found.isDirectory()) return { key, path, isFolder: true, size: 0 };
    if (found.isFile()) {
      // Copying may keep a file's date; that of its last change of any kind it cannot.
      const state = `${found.size} ${found.ctimeMs} ${found.ino}`;
      return { key, path, isFolder: false, size: found.size, state };
    }
    return reported('unreadable', 'it is neither a file nor a folder');
  } catch (error) {
    if (isMissing(error)) return null; // removed since the folder was read
    if (error instanceof InvalidInputError) return reported('outside', error.message);
    if (errno(error) === 'ELOOP') return reported('unreadable', 'the symbolic link leads in a circle');
    if (errno(error) === 'EACCES') return reported('unreadable', 'permission denied');
    throw error;
  }
}

/** The name's bytes: two names that are not UTF-8 may read alike. */
function identity(entry: Dirent<Buffer>): string {
  return entry.name.toString('latin1');
}

function name(entry: Dirent<Buffer>): string {
  return entry.name.toString('utf8');
}

function isHidden(base: string, entry: Dirent<Buffer>): boolean {
  return base === '' && name(entry).toLowerCase() === RESERVED_PART;
}

/** Whether a file, or anything below a folder, of this key can start with the prefix. */
function canMatch(key: string, prefix: string): boolean {
  return key.startsWith(prefix) || prefix.startsWith(`${key}/`);
}

/** A folder sorts by the "/" that follows its name in every key below it. */
function sortName(entry: Entry): string {
  return entry.isFolder ? `${entry.key}/` : entry.key;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
