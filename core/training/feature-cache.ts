/**
 * The folder of cached features: one folder an entry, complete or not there. Trainings in any number of processes share
 * it; what was not used for longest goes when there is too much, but never an entry that somebody uses.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from '../storage/fs/lock.ts';

/** How much is kept unless somebody wants it otherwise. */
export const DEFAULT_CACHE_BYTES = 10 * 2 ** 30;

/** Whoever has this file of an entry locked, shared, uses the entry; it is written last. */
export const INDEX = 'index.json';

const ENTRY = /^[0-9a-f]{32}$/;
const PARTIAL = '.partial';
/** Unfinished work that nobody touched for so long was left behind by a process that was killed. */
const STALE_MS = 24 * 60 * 60_000;

/**
 * Says that this process uses the entry, until the descriptor is closed or the process is gone.
 * @returns null when there is no such entry, or it is just being removed
 */
export async function useEntry(entry: string): Promise<number | null> {
  const descriptor = openIfThere(join(entry, INDEX), 'r');
  if (descriptor === null) return null;
  try {
    if ((await tryLock({ fd: descriptor }, 'shared')) && (await isStillThere(descriptor, entry))) {
      await utimes(entry, new Date(), new Date());
      return descriptor;
    }
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  closeSync(descriptor);
  return null;
}

/**
 * Has `work` write into a folder that becomes the entry once it is complete. An entry that is there by then stays when
 * it is whole: another process was faster.
 */
export async function makeEntry(
  entry: string,
  work: (folder: string) => Promise<void>,
  isWhole: () => Promise<boolean>,
): Promise<void> {
  const unfinished = partialOf(entry);
  await mkdir(unfinished, { recursive: true });
  try {
    await work(unfinished);
    await moveInto(unfinished, entry, isWhole);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * Removes what was left behind unfinished, and then the entries that were not used for longest until at most `bytes`
 * are left. Killed half-way it leaves less, and nothing half.
 */
export async function tidyCache(folder: string, bytes: number): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.filter((each) => each.endsWith(PARTIAL))) {
    const { newest } = await measure(join(folder, name));
    if (Date.now() - newest > STALE_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
  const entries: { entry: string; size: number; used: number }[] = [];
  for (const name of names.filter((each) => ENTRY.test(each))) {
    const entry = join(folder, name);
    entries.push({ entry, ...(await measure(entry)) });
  }
  let total = entries.reduce((sum, { size }) => sum + size, 0);
  for (const { entry, size } of entries.toSorted((a, b) => a.used - b.used)) {
    if (total <= bytes) return;
    if (await removeUnused(entry)) total -= size;
  }
}

/** @returns false when somebody uses it */
async function removeUnused(entry: string): Promise<boolean> {
  const descriptor = openIfThere(join(entry, INDEX), 'r+');
  const going = partialOf(entry);
  try {
    if (descriptor !== null && !(await tryLock({ fd: descriptor }))) return false;
    // Gone for all others before the first file is deleted.
    await rename(entry, going);
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
  await rm(going, { recursive: true, force: true });
  return true;
}

async function moveInto(unfinished: string, entry: string, isWhole: () => Promise<boolean>): Promise<void> {
  try {
    await rename(unfinished, entry);
  } catch (error) {
    if (!isInTheWay(error)) throw error;
    if (await isWhole()) return;
    if (await removeUnused(entry)) await rename(unfinished, entry);
  }
}

/** Bytes in a folder, when it was last used, and when anything in it was last written. */
async function measure(folder: string): Promise<{ size: number; used: number; newest: number }> {
  const { mtimeMs: used } = await stat(folder).catch(gone);
  const files = await readdir(folder).catch(() => []);
  const found = await Promise.all(files.map((name) => stat(join(folder, name)).catch(gone)));
  return {
    size: found.reduce((sum, { size }) => sum + size, 0),
    used,
    newest: Math.max(used, ...found.map(({ mtimeMs }) => mtimeMs)),
  };
}

/** Somebody else removed it meanwhile. */
function gone(error: unknown): { size: number; mtimeMs: number } {
  if (isMissing(error)) return { size: 0, mtimeMs: Date.now() };
  throw error;
}

function openIfThere(path: string, flags: 'r' | 'r+'): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Between opening and locking the entry may have been removed or replaced. */
async function isStillThere(descriptor: number, entry: string): Promise<boolean> {
  const named = await stat(join(entry, INDEX), { bigint: true }).catch(() => null);
  const opened = fstatSync(descriptor, { bigint: true });
  return named !== null && named.ino === opened.ino && named.dev === opened.dev;
}

const partialOf = (entry: string): string => `${entry}.${randomUUID()}${PARTIAL}`;

/** What a rename onto a folder that is there gives on one system or another. */
const isInTheWay = (error: unknown): boolean =>
  ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
