/** Temporary folders inside the cache, so that a finished one can be renamed into place. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { onAbort } from './cleanup.mjs';

const A_DAY = 24 * 3600 * 1000;

/**
 * Gives `work` a fresh folder and removes what is left of it afterwards, also when the process is told to end.
 *
 * @template T
 * @param {string} cache
 * @param {(folder: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withTemporaryFolder(cache, work) {
  const parent = path.join(cache, 'tmp');
  mkdirSync(parent, { recursive: true });
  removeLeftovers(parent);
  const folder = mkdtempSync(path.join(parent, `${hostname()}.${process.pid}.`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const done = onAbort(remove);
  try {
    return await work(folder);
  } finally {
    done();
    remove();
  }
}

/**
 * Removes the folders of set-ups that were killed: of this machine's processes that are gone, and anything older than a day.
 *
 * @param {string} parent
 */
function removeLeftovers(parent) {
  for (const name of readdirSync(parent)) {
    const folder = path.join(parent, name);
    if (isAbandoned(folder, name)) rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder @param {string} name */
function isAbandoned(folder, name) {
  const [, host, pid] = /^(.*)\.(\d+)\.[^.]*$/.exec(name) ?? [];
  if (host === hostname() && !isRunning(Number(pid))) return true;
  const age = existsSync(folder) ? Date.now() - statSync(folder).mtimeMs : 0;
  return age > A_DAY;
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
