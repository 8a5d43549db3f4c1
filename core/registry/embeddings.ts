/**
 * The embeddings that a version's network made of images in the log: `embeddings/<network>/<ulid>.arrow`, any number of files, each written
 * once. A cache: what is missing is computed again, so a file may be lost or written twice without harm.
 */
import { ulid } from 'ulid';
import { CorruptDataError } from '../errors.ts';
import { readEmbeddingsBySum, writeEmbeddingsBySum } from '../gallery/arrow-embeddings.ts';
import type { Embeddings } from '../gallery/arrow-embeddings.ts';
import type { Binding } from '../gallery/gallery.ts';
import type { ObjectStore } from '../storage/store.ts';
import { quote } from '../storage/keys.ts';
import { isUlid } from '../ulid.ts';
import { embeddingsPrefix } from './layout.ts';

/** Files from which on they are put together. */
const MANY_FILES = 64;
const READS_AT_ONCE = 16;
/** Embeddings of this process that are remembered, for each store. */
const REMEMBERED = 1000;

/** What this process added last: a server that has just embedded an image answers by it without reading it. */
const recent = new WeakMap<ObjectStore, Map<string, Float32Array>>();
const recentOf = (store: ObjectStore): Map<string, Float32Array> => {
  const found = recent.get(store) ?? new Map<string, Float32Array>();
  recent.set(store, found);
  return found;
};

/** Adds embeddings; nothing when there are none. @param id of the file; by default a new one */
export async function putEmbeddings(
  store: ObjectStore,
  model: string,
  binding: Binding,
  embeddings: Embeddings,
  id = ulid(),
): Promise<void> {
  if (embeddings.size === 0) return;
  const key = `${embeddingsPrefix(model, networkOf(binding))}${id}.arrow`;
  await store.put(key, await writeEmbeddingsBySum(binding, embeddings));
  const remembered = recentOf(store);
  for (const [sum, embedding] of embeddings) remembered.set(`${networkOf(binding)} ${sum}`, embedding);
  for (const oldest of remembered.keys()) {
    if (remembered.size <= REMEMBERED) break;
    remembered.delete(oldest);
  }
}

/**
 * The embeddings of these images that are in the cache.
 * @param wanted SHA-256 of the images; nothing is read for none
 * @returns those that were found; damaged files and files of another network count as missing
 */
export async function readEmbeddings(
  store: ObjectStore,
  model: string,
  binding: Binding,
  wanted: ReadonlySet<string>,
): Promise<Embeddings> {
  const found = new Map<string, Float32Array>();
  for (const sum of wanted) {
    const embedding = recentOf(store).get(`${networkOf(binding)} ${sum}`);
    if (embedding !== undefined) found.set(sum, embedding);
  }
  const rest = new Set([...wanted].filter((sum) => !found.has(sum)));
  if (rest.size === 0) return found;
  const keys = await listFiles(store, model, networkOf(binding));
  return new Map([...found, ...(await readFiles(store, keys, binding, rest))]);
}

async function readFiles(
  store: ObjectStore,
  keys: readonly string[],
  binding: Binding,
  wanted: ReadonlySet<string>,
): Promise<Embeddings> {
  const found = new Map<string, Float32Array>();
  // The newest first, and that one alone: most often what was just added is wanted.
  for (let at = keys.length, size = 1; at > 0 && found.size < wanted.size; at -= size, size = READS_AT_ONCE) {
    const block = keys.slice(Math.max(0, at - size), at).reverse();
    for (const embeddings of await Promise.all(block.map((key) => readFile(store, key, binding)))) {
      for (const [sum, embedding] of embeddings) if (wanted.has(sum)) found.set(sum, embedding);
    }
  }
  return found;
}

/**
 * Puts many files together into one, keeping what is wanted. Any number of processes may do it at once. Files of imports, which are large and
 * whose images the log may not have yet, stay as they are.
 * @param network its id @param gallery what is wanted; asked for when there are many files
 */
export async function compactEmbeddings(
  store: ObjectStore,
  model: string,
  network: string,
  gallery: () => Promise<{ readonly binding: Binding; readonly wanted: ReadonlySet<string> }>,
): Promise<void> {
  const keys = (await listFiles(store, model, network)).filter((key) => isUlid(nameOf(key)));
  if (keys.length < MANY_FILES) return;
  const { binding, wanted } = await gallery();
  const kept = await readFiles(store, keys, binding, wanted);
  await putEmbeddings(store, model, binding, kept);
  for (const key of keys) await store.delete(key);
}

async function listFiles(store: ObjectStore, model: string, network: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key, problem } of store.list(embeddingsPrefix(model, network))) {
    if (!problem && key.endsWith('.arrow')) keys.push(key);
  }
  return keys;
}

async function readFile(store: ObjectStore, key: string, binding: Binding): Promise<Embeddings> {
  const found = await store.get(key);
  if (found === null) return new Map();
  try {
    const read = readEmbeddingsBySum(found.bytes, quote(key));
    const isSame =
      read.binding.dimensions === binding.dimensions && read.binding.embedder?.version === networkOf(binding);
    return isSame ? read.embeddings : new Map();
  } catch (error) {
    if (error instanceof CorruptDataError) return new Map();
    throw error;
  }
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1, -'.arrow'.length);
const networkOf = ({ embedder }: Binding): string => embedder?.version ?? 'unknown';
