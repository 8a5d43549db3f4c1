import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { checkCondition, holdTo } from '../../../core/storage/condition.ts';
import { checkFolderPrefix, checkKey, checkPrefix, checkSize } from '../../../core/storage/keys.ts';
import { checkLocalFile, sha256 } from '../../../core/storage/local-file.ts';
import type { ObjectStore, PutCondition } from '../../../core/storage/store.ts';

/** A store in one JSON file, for one process and little content: every change writes the whole file anew. */
export function jsonFileStore(file: string): ObjectStore {
  const load = (): Map<string, string> =>
    new Map(existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as [string, string][]) : []);
  const objects = load();

  /** By rename, so that a kill leaves the file before or the file after. */
  function save(): void {
    writeFileSync(`${file}.new`, JSON.stringify([...objects]));
    renameSync(`${file}.new`, file);
  }

  function find(key: string): { bytes: Uint8Array; etag: string } | null {
    checkKey(key);
    const found = objects.get(key);
    if (found === undefined) return null;
    const bytes = new Uint8Array(Buffer.from(found, 'base64'));
    return { bytes, etag: sha256(bytes) };
  }

  async function put(key: string, source: Uint8Array | { file: string }, condition?: PutCondition) {
    checkKey(key);
    checkCondition(condition);
    if (!(source instanceof Uint8Array)) await checkLocalFile(source.file);
    const bytes = source instanceof Uint8Array ? source : await readFile(source.file);
    // No await from here on: check and change are one step for everybody else in the process.
    holdTo(condition, key, find(key)?.etag ?? null);
    objects.set(key, Buffer.from(bytes).toString('base64'));
    save();
    return { etag: sha256(bytes) };
  }

  const below = (prefix: string): string[] =>
    [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();

  return {
    uri: `json:${file}`,
    put,
    async get(key, most) {
      const found = find(key);
      checkSize(key, found?.bytes.length ?? 0, most);
      return found;
    },
    async head(key) {
      const found = find(key);
      return found && { size: found.bytes.length, etag: found.etag };
    },
    async read(key) {
      const found = find(key);
      return found && pieces(found.bytes);
    },
    async delete(key) {
      checkKey(key);
      if (objects.delete(key)) save();
    },
    async *list(prefix) {
      checkPrefix(prefix);
      for (const key of below(prefix)) {
        const found = find(key);
        if (found) yield { key, size: found.bytes.length, state: found.etag };
      }
    },
    async *folders(prefix) {
      checkFolderPrefix(prefix);
      const paths = below(prefix).map((key) => key.slice(prefix.length).split('/'));
      const names = new Set(paths.flatMap(([name = '', ...rest]) => (rest.length === 0 ? [] : [name])));
      yield* [...names].toSorted();
    },
  };
}

const PIECE_BYTES = 1 << 20;

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.slice(at, at + PIECE_BYTES);
}
