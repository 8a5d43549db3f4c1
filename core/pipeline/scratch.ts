/**
 * A local folder that a process has for its files on their way. Who works there holds the lock of a file beside it, which the kernel frees when
 * the process dies: so the next one tells what was left, whatever number the process had, and in whichever container it ran.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '../storage/fs/lock.ts';

const LOCK = /^(kindred-training-[0-9a-f-]{36})\.lock$/;

/** Runs it with a folder of its own in the scratch folder. What killed processes left of theirs goes first. */
export async function inScratch<T>(scratch: string, run: (folder: string) => Promise<T>): Promise<T> {
  await clearLeft(scratch);
  const { folder, lock } = await newFolder(scratch);
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await lock?.remove();
  }
}

interface Lock {
  /** Gives it up, and takes the file away. */
  remove(): Promise<void>;
}

async function newFolder(scratch: string): Promise<{ readonly folder: string; readonly lock: Lock | null }> {
  for (;;) {
    const folder = join(scratch, `kindred-training-${randomUUID()}`);
    const lock = await locked(`${folder}.lock`);
    // Somebody who clears away was there between its making and its locking.
    if (lock === 'taken') continue;
    await mkdir(folder, { mode: 0o700 });
    return { folder, lock };
  }
}

/** @returns null where the file system has no locks: nobody clears away there */
async function locked(path: string): Promise<Lock | 'taken' | null> {
  const handle = await open(path, 'wx', 0o600);
  const remove = async (): Promise<void> => {
    await rm(path, { force: true });
    await handle.close();
  };
  try {
    if ((await tryLock(handle)) && (await isAt(handle, path))) {
      await handle.writeFile(hostname());
      return { remove };
    }
    await handle.close();
    return 'taken';
  } catch {
    await remove();
    return null;
  }
}

async function isAt(handle: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = await Promise.all([handle.stat(), stat(path).catch(() => null)]);
  return there !== null && there.ino === mine.ino && there.dev === mine.dev;
}

/** What cannot be looked at is another user's, or gone by now: it is left. */
async function clearLeft(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const [, folder] = LOCK.exec(name) ?? [];
    if (folder !== undefined) await clearIfLeft(join(scratch, folder)).catch(() => undefined);
  }
}

async function clearIfLeft(folder: string): Promise<void> {
  const path = `${folder}.lock`;
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    if (!(await tryLock(handle))) return;
    const host = await handle.readFile('utf8');
    // Where several machines share the folder, one may not see the locks of another. Before it is locked, it says nothing.
    if (host !== '' && host !== hostname()) return;
    await rm(folder, { recursive: true, force: true });
    await rm(path, { force: true });
  } finally {
    await handle.close();
  }
}
