import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, rm, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { checkCondition, holdTo } from './condition.ts';
import { inTurn } from './fs/at-once.ts';
import { errno, explain, isMissing } from './fs/failure.ts';
import {
  ensureFolder,
  ensureHiddenFolder,
  inTheWay,
  locate,
  prune,
  realRoot,
  syncFolder,
} from './fs/folders.ts';
import { foldersIn, walk } from './fs/listing.ts';
import { withLock } from './fs/lock.ts';
import { moved } from './fs/rename.ts';
import { removeLeftOvers, stage } from './fs/staging.ts';
import type { Staged } from './fs/staging.ts';
import { checkFolderPrefix, checkKey, checkPrefix, checkSize, quote } from './keys.ts';
import { sha256 } from './local-file.ts';
import type { ListedObject, ObjectStore, PutCondition } from './store.ts';

const READ_PIECE_BYTES = 1 << 20;
/** No system reads more at once. */
const LARGEST_READ = 2 ** 30;
const RENAME_ATTEMPTS = 20;
/** Not blocking, for the case that it is a pipe; not through a link that took the file's place just now. */
const CAREFULLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/**
 * A store in a folder: the key is the file's path below it, the etag the SHA-256 of its content. Writers of many
 * processes agree through locks in a hidden folder; a process that is killed leaves the old object or the new one.
 * Symbolic links are followed only inside the folder. A folder that is not there reads as empty.
 */
export function fsStore(folder: string, options: { uri?: string } = {}): ObjectStore {
  if (folder === '' || folder.includes('\0')) {
    throw new InvalidInputError(`${quote(folder)} is not a folder's path. Give one such as "./registry".`);
  }
  return new FsStore(resolve(folder), options.uri ?? folder);
}

class FsStore implements ObjectStore {
  readonly uri: string;
  readonly #root: string;
  #cleaned: Promise<void> | undefined;

  constructor(root: string, uri: string) {
    this.#root = root;
    this.uri = uri;
  }

  async get(key: string, most?: number) {
    return this.#opened(key, async (handle) => {
      if (most !== undefined) checkSize(key, (await handle.stat()).size, most);
      const bytes = await whole(handle);
      // Few ask for it, and for a large file it takes as long as reading.
      return {
        bytes,
        get etag() {
          return sha256(bytes);
        },
      };
    });
  }

  async head(key: string) {
    return this.#opened(key, describe);
  }

  async read(key: string) {
    return (await this.#opened(key, async () => true)) ? this.#pieces(key) : null;
  }

  async localFile(key: string) {
    const path = this.#path(key);
    try {
      const folder = await locate(this.#root, dirname(path));
      const file = folder === null ? null : join(folder, nameOf(key));
      return file !== null && (await isThere(file)) ? file : null;
    } catch (error) {
      throw explain(error, 'read', path);
    }
  }

  async put(key: string, source: Uint8Array | { file: string }, condition?: PutCondition) {
    const path = this.#path(key);
    checkCondition(condition);
    try {
      const folder = await this.#staging();
      const staged = await inTurn(() => stage(folder, source));
      try {
        return await this.#locked(key, () => this.#replace(key, path, staged, condition));
      } finally {
        await rm(staged.path, { force: true });
      }
    } catch (error) {
      throw errno(error) === 'EEXIST' || errno(error) === 'ENOTDIR'
        ? inTheWay(path, error)
        : explain(error, 'write', path);
    }
  }

  async delete(key: string) {
    const path = this.#path(key);
    try {
      const folder = await locate(this.#root, dirname(path));
      if (folder === null || !(await isThere(join(folder, nameOf(key))))) return;
      await this.#locked(key, () => this.#remove(key, path));
    } catch (error) {
      throw explain(error, 'delete', path);
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    checkPrefix(prefix);
    const base = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#listing(base, (root, folder) => walk(root, folder, base, prefix));
  }

  async *folders(prefix: string): AsyncGenerator<string> {
    checkFolderPrefix(prefix);
    yield* this.#listing(prefix, (root, folder) => foldersIn(root, folder, prefix));
  }

  async *#listing<T>(
    base: string,
    work: (root: string, folder: string) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const path = join(this.#root, ...base.split('/'));
    try {
      const [root, folder] = await Promise.all([realRoot(this.#root), locate(this.#root, path)]);
      if (root !== null && !(await stat(root)).isDirectory()) throw inTheWay(root, undefined);
      if (root !== null && folder !== null) yield* work(root, folder);
    } catch (error) {
      throw explain(error, 'list', path);
    }
  }

  #path(key: string): string {
    checkKey(key);
    if (sep === '\\' && /[\\:]/.test(key)) {
      throw new InvalidInputError(
        `The key ${quote(key)} has "\\" or ":", which Windows does not allow in names.`,
      );
    }
    return join(this.#root, ...key.split('/'));
  }

  /** Runs `work` on the open file of `key`, or returns null when there is no such object. */
  async #opened<T>(key: string, work: (handle: FileHandle) => Promise<T>): Promise<T | null> {
    const path = this.#path(key);
    try {
      const real = await locate(this.#root, path);
      if (real === null) return null;
      return await inTurn(async () => {
        const handle = await open(real, CAREFULLY);
        try {
          return (await handle.stat()).isFile() ? await work(handle) : null;
        } finally {
          await handle.close();
        }
      });
    } catch (error) {
      if (isMissing(error)) return null;
      throw explain(error, 'read', path);
    }
  }

  /** One open file throughout, so that all pieces are of one version; opened only when somebody reads. */
  async *#pieces(key: string): AsyncGenerator<Uint8Array> {
    const path = this.#path(key);
    try {
      const real = await locate(this.#root, path);
      if (real === null) throw new NotFoundError(`${quote(key)} was deleted before it was read.`);
      const handle = await open(real, CAREFULLY);
      try {
        yield* pieces(handle);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw explain(error, 'read', path);
    }
  }

  async #staging(): Promise<string> {
    const folder = await ensureHiddenFolder(this.#root, 'tmp');
    this.#cleaned ??= removeLeftOvers(folder).catch(() => undefined);
    await this.#cleaned;
    return folder;
  }

  /** 256 lock files serve all keys: two keys may wait for each other, but no operation holds two locks. */
  async #locked<T>(key: string, work: () => Promise<T>): Promise<T> {
    const folder = await ensureHiddenFolder(this.#root, 'locks');
    return withLock(join(folder, sha256(Buffer.from(key)).slice(0, 2)), work);
  }

  async #replace(key: string, path: string, staged: Staged, condition: PutCondition | undefined) {
    if (condition !== undefined) {
      holdTo(condition, key, (await this.head(key))?.etag ?? null);
    }
    for (let attempt = 1; ; attempt++) {
      const folder = await ensureFolder(this.#root, dirname(path));
      if (folder !== null && (await moved(staged.path, join(folder, nameOf(key)), path))) {
        await syncFolder(folder);
        return { etag: staged.etag };
      }
      if (attempt === RENAME_ATTEMPTS) {
        throw new ConflictError(
          `The folder of ${quote(path)} is a link that leads nowhere, or vanishes as often as it is made; nothing was written.`,
        );
      }
    }
  }

  async #remove(key: string, path: string): Promise<void> {
    const folder = await locate(this.#root, dirname(path));
    const root = await realRoot(this.#root);
    if (folder === null || root === null) return;
    try {
      await unlink(join(folder, nameOf(key)));
      await syncFolder(folder);
    } catch (error) {
      if (isMissing(error) || errno(error) === 'EISDIR') return; // a folder is no object
      throw error;
    }
    await prune(root, folder);
  }
}

/** In as few pieces as can be: while a process is busy, each waits for its turn. */
async function whole(handle: FileHandle): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array((await handle.stat()).size);
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await handle.read(bytes, read, Math.min(bytes.length - read, LARGEST_READ), read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read === bytes.length ? bytes : bytes.slice(0, read);
}

async function* pieces(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = new Uint8Array(READ_PIECE_BYTES);
    const { bytesRead } = await handle.read(piece, 0, piece.length, null);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}

/** Both of the one open file: what has the same path may be another file by now. */
async function describe(handle: FileHandle): Promise<{ size: number; etag: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of pieces(handle)) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, etag: hash.digest('hex') };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
