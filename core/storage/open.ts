import { fileURLToPath } from 'node:url';
import { InvalidInputError } from '../errors.ts';
import { fsStore } from './fs.ts';
import { quote } from './keys.ts';
import { memoryStore } from './memory.ts';
import { s3Store } from './s3.ts';
import type { S3Options } from './s3/options.ts';
import type { ObjectStore } from './store.ts';

const ALLOWED =
  'Allowed are a folder ("./registry", "/data/registry"), "file:///folder", "s3://BUCKET/PREFIX" and "memory://NAME".';

/** How to reach what an address names, where the address does not say it. */
export interface StoreOptions {
  readonly s3?: S3Options;
}

const inMemory = new Map<string, ObjectStore>();

/**
 * Opens the store that `uri` names: a folder's path, `file:///folder`, `s3://BUCKET/PREFIX`, or `memory://NAME`, which
 * is the same store for everybody in this process who gives the same name. Nothing is created, and nobody asked over a
 * network, before the first operation.
 * @throws InvalidInputError for anything else
 */
export function openStore(uri: string, options: StoreOptions = {}): ObjectStore {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined && /^(?:s3|file|memory):/i.test(uri)) {
    throw new InvalidInputError(`The store ${quote(uri)} lacks "//" after the colon. ${ALLOWED}`);
  }
  if (scheme === undefined) return fsStore(uri);
  if (scheme === 'file') return fsStore(folderOf(uri), { uri });
  if (scheme === 'memory') return named(uri);
  if (scheme === 's3') return s3Store(uri, options.s3);
  throw new InvalidInputError(`The store ${quote(uri)} has the unknown scheme "${scheme}". ${ALLOWED}`);
}

function folderOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (cause) {
    throw new InvalidInputError(`${quote(uri)} is not the address of a local folder. ${ALLOWED}`, { cause });
  }
}

function named(uri: string): ObjectStore {
  const name = uri.slice('memory://'.length);
  if (name === '') throw new InvalidInputError(`The store ${quote(uri)} has no name. ${ALLOWED}`);
  const found = inMemory.get(name) ?? memoryStore(uri);
  inMemory.set(name, found);
  return found;
}
