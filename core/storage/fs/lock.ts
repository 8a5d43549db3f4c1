import type * as native from 'fs-native-extensions';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingDependencyError } from '../../errors.ts';
import { quote } from '../keys.ts';
import { reasonOf } from '../reason.ts';
import { StorageError } from '../storage-error.ts';
import { isMissing } from './failure.ts';

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 40;
const LONGEST_WAIT_MS = 60_000;

const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `work` while this process, and in it this call alone, holds the lock file `path`; the kernel frees the lock
 * of a process that dies. Waits by trying again, since a blocking wait would hold a thread of libuv's small pool.
 * @throws StorageError when the lock cannot be had within a minute
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const mine = before.then(() => locked(path, work));
  const settled = mine.catch(() => undefined);
  queues.set(path, settled);
  try {
    return await mine;
  } finally {
    if (queues.get(path) === settled) queues.delete(path);
  }
}

async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const handle = await acquire(path);
  try {
    return await work();
  } finally {
    await handle.close(); // frees the lock
  }
}

async function acquire(path: string): Promise<FileHandle> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const handle = await open(path, 'a+');
    try {
      if ((await tryLock(handle)) && (await isStillThere(handle, path))) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    if (Date.now() > deadline) {
      throw new StorageError(
        `Another process has held the write lock ${quote(path)} for over ${LONGEST_WAIT_MS / 1000} s. ` +
          `Find and end that process (lsof, fuser), then run this again; nothing was written.`,
      );
    }
    await sleep(pause * (0.5 + Math.random()));
  }
}

/** A lock on a file that somebody deleted meanwhile keeps nobody out. */
async function isStillThere(handle: FileHandle, path: string): Promise<boolean> {
  const mine = await handle.stat({ bigint: true });
  const named = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  return named !== null && named.ino === mine.ino && named.dev === mine.dev;
}

/**
 * Locks the file behind `handle` for this handle alone, or shared with others that want no more, without waiting;
 * closing the handle frees it. To have it alone the handle must be open for writing.
 * @returns false when another handle, of any process, holds it
 */
export async function tryLock(
  handle: { readonly fd: number },
  kind: 'alone' | 'shared' = 'alone',
): Promise<boolean> {
  const loaded = await loadNative();
  try {
    return loaded.tryLock(handle.fd, { shared: kind === 'shared' });
  } catch (cause) {
    throw new StorageError(
      `The file system does not support locks, without which writers would overwrite each other ` +
        `(${reasonOf(cause)}). Put the registry on a local disk.`,
      { cause },
    );
  }
}

async function loadNative(): Promise<typeof native> {
  try {
    return await import('fs-native-extensions');
  } catch (cause) {
    throw new MissingDependencyError(
      `The package fs-native-extensions, which locks files, does not load on ${process.platform} ${process.arch} ` +
        `(${reasonOf(cause)}). Run the set-up again (npm run setup).`,
      { cause },
    );
  }
}
