import { readFile } from 'node:fs/promises';
import { checkCondition, holdTo } from './condition.ts';
import { checkFolderPrefix, checkKey, checkPrefix, checkSize } from './keys.ts';
import { checkLocalFile, sha256 } from './local-file.ts';
import type { ObjectStore, PutCondition, StoredObject } from './store.ts';

const READ_PIECE_BYTES = 1 << 20;

/** A store that lives as long as the process; the etag is the SHA-256 of the content. */
export function memoryStore(uri = 'memory://'): ObjectStore {
  const objects = new Map<string, StoredObject>();

  async function put(key: string, source: Uint8Array | { file: string }, condition?: PutCondition) {
    checkKey(key);
    checkCondition(condition);
    const bytes = source instanceof Uint8Array ? Uint8Array.from(source) : await load(source.file);
    const etag = sha256(bytes);
    // No await from here on: check and change are one step for everybody else in the process.
    holdTo(condition, key, objects.get(key)?.etag ?? null);
    objects.set(key, { bytes, etag });
    return { etag };
  }

  async function* list(prefix: string) {
    checkPrefix(prefix);
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    for (const key of keys) {
      const found = objects.get(key);
      if (found) yield { key, size: found.bytes.length, state: found.etag };
    }
  }

  async function* folders(prefix: string) {
    checkFolderPrefix(prefix);
    const below = [...objects.keys()].filter(
      (key) => key.startsWith(prefix) && key.includes('/', prefix.length),
    );
    const names = new Set(below.map((key) => key.slice(prefix.length, key.indexOf('/', prefix.length))));
    yield* [...names].toSorted();
  }

  return {
    uri,
    put,
    list,
    folders,
    async get(key, most) {
      checkKey(key);
      const found = objects.get(key);
      checkSize(key, found?.bytes.length ?? 0, most);
      return found ? { bytes: found.bytes.slice(), etag: found.etag } : null;
    },
    async head(key) {
      checkKey(key);
      const found = objects.get(key);
      return found ? { size: found.bytes.length, etag: found.etag } : null;
    },
    async read(key) {
      checkKey(key);
      const found = objects.get(key);
      return found ? pieces(found.bytes) : null;
    },
    async delete(key) {
      checkKey(key);
      objects.delete(key);
    },
  };
}

async function load(file: string): Promise<Uint8Array> {
  await checkLocalFile(file);
  return new Uint8Array(await readFile(file));
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += READ_PIECE_BYTES) yield bytes.slice(at, at + READ_PIECE_BYTES);
}
