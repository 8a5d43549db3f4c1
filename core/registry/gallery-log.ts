/**
 * The log of a model's gallery: `gallery/<ulid>.arrow` for each change, and, once there are many, several of them together in
 * `gallery/compacted/<ulid>.arrow`. A change is there when either has it, and is the same in both; see compaction.ts.
 */
import { ConflictError } from '../errors.ts';
import { readChanges as parseChanges, writeChanges } from '../gallery/arrow-changes.ts';
import { changeAfter } from '../gallery/facts.ts';
import type { Change, Fact } from '../gallery/facts.ts';
import { compareText } from '../gallery/gallery.ts';
import { quote } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { compactedPrefix, galleryLogPrefix } from './layout.ts';
import { checkName } from './names.ts';

const SUFFIX = '.arrow';
/** A reader that lists during a compaction may have to start again. */
const ATTEMPTS = 10;
const READS_AT_ONCE = 32;
/** A hundred changes of a few images have less; an import of many thousands has more. */
const LARGE_BYTES = 32 * 1024 * 1024;

/** The files that a log's changes are in, by their ids, ascending. */
export interface LogFiles {
  readonly loose: readonly string[];
  readonly compacted: readonly string[];
  /** Of `loose`, those that are large: it is not worth it to write them again. */
  readonly large: ReadonlySet<string>;
}

/** One listing: where a change was moved meanwhile, it may name both of its files, but never neither. */
export async function listLogFiles(store: ObjectStore, model: string): Promise<LogFiles> {
  const prefix = prefixOf(model);
  const deeper = compactedPrefix(model);
  const files = { loose: [] as string[], compacted: [] as string[], large: new Set<string>() };
  for await (const { key, size, problem } of store.list(prefix)) {
    if (problem || !key.endsWith(SUFFIX)) continue;
    const isCompacted = key.startsWith(deeper);
    const id = key.slice((isCompacted ? deeper : prefix).length, -SUFFIX.length);
    if (!isUlid(id)) continue;
    (isCompacted ? files.compacted : files.loose).push(id);
    if (!isCompacted && size > LARGE_BYTES) files.large.add(id);
  }
  return files;
}

/**
 * The changes of a model's gallery, in the order in which they apply.
 * @param known changes that are in memory already: only others are read
 * @returns `known` itself when there is nothing else
 * @throws CorruptDataError
 */
export async function readLog(
  store: ObjectStore,
  model: string,
  known: readonly Change[] = [],
): Promise<readonly Change[]> {
  return again(async () => {
    const { loose, compacted } = await listLogFiles(store, model);
    const memory = new Map(known.map((change) => [change.id, change]));
    const found = new Map<string, Change>();
    for (const id of compacted) {
      const ids = insides(store).get(compactedKey(model, id));
      const changes = ids?.map((inside) => memory.get(inside));
      const whole = changes?.every((change) => change !== undefined)
        ? changes
        : await readCompacted(store, model, id);
      for (const change of whole) found.set(change.id, memory.get(change.id) ?? change);
    }
    const missing = loose.filter((id) => !found.has(id));
    for (let at = 0; at < missing.length; at += READS_AT_ONCE) {
      const block = missing.slice(at, at + READS_AT_ONCE);
      for (const change of await Promise.all(
        block.map(async (id) => memory.get(id) ?? readLoose(store, model, id)),
      )) {
        found.set(change.id, change);
      }
    }
    if (found.size === known.length && known.every(({ id }) => found.has(id))) return known;
    return [...found.values()].sort((a, b) => compareText(a.id, b.id));
  });
}

/**
 * Records facts as one change, after every change of the log that was given: what was decided by looking at it applies after it.
 * @param log as it was read when the facts were decided; written ones come last in what is returned
 * @throws InvalidInputError; StorageError: then the change may have been written all the same, and making it again does no harm
 */
export async function appendToLog(
  store: ObjectStore,
  model: string,
  log: readonly Change[],
  facts: readonly Fact[],
  by: string,
): Promise<readonly Change[]> {
  const change = changeAfter(log, facts, by);
  await putChange(store, model, change);
  return [...log, change];
}

/** Writes a change whose id was decided before. @throws ConflictError when the id is taken */
export async function putChange(store: ObjectStore, model: string, change: Change): Promise<void> {
  await store.put(looseKey(model, change.id), await writeChanges([change]), { ifAbsent: true });
}

/** Removes a change's own file, once a compacted file has it. */
export async function removeLoose(store: ObjectStore, model: string, id: string): Promise<void> {
  await store.delete(looseKey(model, id));
}

/** What a compacted file holds. @throws MovedError when it is not there any more */
export async function readCompacted(store: ObjectStore, model: string, id: string): Promise<Change[]> {
  const key = compactedKey(model, id);
  const found = await store.get(key);
  if (found === null) throw new MovedError(key);
  const changes = parseChanges(found.bytes, quote(key));
  insides(store).set(
    key,
    changes.map((change) => change.id),
  );
  return changes;
}

/** The ids of the changes in a compacted file, which is read once in a process. @throws MovedError */
export async function idsInside(store: ObjectStore, model: string, id: string): Promise<readonly string[]> {
  const known = insides(store).get(compactedKey(model, id));
  if (known !== undefined) return known;
  return (await readCompacted(store, model, id)).map((change) => change.id);
}

export function compactedKey(model: string, id: string): string {
  return `${compactedPrefix(model)}${id}${SUFFIX}`;
}

/** One change from its own file. @throws MovedError */
export async function readLoose(store: ObjectStore, model: string, id: string): Promise<Change> {
  const key = looseKey(model, id);
  const found = await store.get(key);
  if (found === null) throw new MovedError(key);
  const [change] = parseChanges(found.bytes, quote(key));
  return change as Change;
}

/** It was listed, and is in another file by now. */
class MovedError extends ConflictError {
  constructor(key: string) {
    super(`${quote(key)} was compacted while it was read, too often. Try again.`);
  }
}

/** A compacted file never changes, and its name is never used again: what is in it need not be asked twice. */
const knownInsides = new WeakMap<ObjectStore, Map<string, readonly string[]>>();

function insides(store: ObjectStore): Map<string, readonly string[]> {
  const found = knownInsides.get(store) ?? new Map<string, readonly string[]>();
  knownInsides.set(store, found);
  return found;
}

/** Does it anew when a file that was listed is not there any more. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MovedError) || attempt >= ATTEMPTS) throw error;
    }
  }
}

const looseKey = (model: string, id: string): string => `${prefixOf(model)}${id}${SUFFIX}`;

function prefixOf(model: string): string {
  checkName(model, 'model');
  return galleryLogPrefix(model);
}
