/** Copies of large objects in a local folder, for what wants a file: made once, checked, and never seen half written. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { KindredError } from '../errors.ts';
import { sha256OfFile } from './local-file.ts';

/** What is to be copied; the copy gets its name from the checksum. */
export interface Original {
  /** Hex. */
  readonly sha256: string;
  readonly size: number;
  /** The content; it throws at the end when that is not what `sha256` says. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

export interface LocalCopiesOptions {
  /** Belongs to this process alone while that runs; what an earlier one left there whole is used. */
  readonly folder: string;
  /** Bytes that all copies together may take. */
  readonly most: number;
  /** A copy could not be made for want of room or rights; things go on without. */
  readonly onTrouble?: (error: unknown) => void;
}

interface Kept {
  readonly file: string;
  readonly size: number;
  readonly usedAt: number;
}

const NAME = /^[0-9a-f]{64}$/;

export class LocalCopies {
  readonly #options: Required<LocalCopiesOptions>;
  /** By checksum: found right, or written, by this process. */
  readonly #ready = new Map<string, Promise<void>>();
  readonly #users = new Map<string, number>();
  #cleaned: Promise<void> | null = null;
  /** One copy is made at a time, so that their sum stays bounded. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LocalCopiesOptions) {
    this.#options = { onTrouble: () => undefined, ...options };
  }

  /**
   * Gives `work` the path of a copy that stays while it works, or null when none can be kept.
   * @throws what `pieces` throws
   */
  async use<T>(original: Original, work: (file: string | null) => Promise<T>): Promise<T> {
    const { sha256 } = original;
    this.#users.set(sha256, (this.#users.get(sha256) ?? 0) + 1);
    try {
      return await work((await this.#isThere(original)) ? this.#place(sha256) : null);
    } finally {
      const left = (this.#users.get(sha256) ?? 1) - 1;
      if (left > 0) this.#users.set(sha256, left);
      else this.#users.delete(sha256);
    }
  }

  #place(name: string): string {
    return path.join(this.#options.folder, name);
  }

  async #isThere(original: Original): Promise<boolean> {
    const { sha256, size } = original;
    if (size > this.#options.most) return false;
    const ready = this.#ready.get(sha256) ?? this.#inTurn(() => this.#ensure(original));
    this.#ready.set(sha256, ready);
    try {
      await ready;
      // Which of them was not used for longest is told by this.
      const now = (performance.timeOrigin + performance.now()) / 1000;
      await utimes(this.#place(sha256), now, now);
      return true;
    } catch (error) {
      this.#ready.delete(sha256);
      if (error instanceof KindredError) throw error;
      this.#options.onTrouble(error);
      return false;
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #ensure({ sha256, size, pieces }: Original): Promise<void> {
    await (this.#cleaned ??= this.#clean());
    const place = this.#place(sha256);
    if (await isCopy(place, sha256, size)) return;
    await rm(place, { force: true });
    await this.#makeRoom(size);
    const partial = `${place}.${randomBytes(6).toString('hex')}.part`;
    try {
      await pipeline(pieces(), createWriteStream(partial, { flags: 'wx' }));
      await rename(partial, place);
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** A process that was killed may have left part of a copy. */
  async #clean(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true });
    const parts = (await readdir(folder)).filter((name) => name.endsWith('.part'));
    await Promise.all(parts.map((name) => rm(this.#place(name), { force: true })));
  }

  /** Removes what was not used for longest. @throws when what is in use leaves no room */
  async #makeRoom(bytes: number): Promise<void> {
    const kept = await this.#kept();
    let taken = kept.reduce((sum, { size }) => sum + size, 0);
    for (const { file, size } of kept.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (taken + bytes <= this.#options.most) return;
      if (this.#users.has(file)) continue;
      this.#ready.delete(file);
      await rm(this.#place(file), { force: true });
      taken -= size;
    }
    if (taken + bytes > this.#options.most) {
      throw new Error(`${this.#options.folder} has no room for ${bytes} bytes: ${taken} are in use`);
    }
  }

  async #kept(): Promise<Kept[]> {
    const names = (await readdir(this.#options.folder)).filter((name) => NAME.test(name));
    return Promise.all(
      names.map(async (file) => {
        const { size, mtimeMs } = await stat(this.#place(file));
        return { file, size, usedAt: mtimeMs };
      }),
    );
  }
}

/** Whether an earlier process left the copy there, whole and as it should be. */
async function isCopy(file: string, sha256: string, size: number): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  return found !== null && found.size === size && (await sha256OfFile(file)) === sha256;
}
