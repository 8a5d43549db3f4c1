/**
 * The changes of a version's gallery: `gallery/<ulid>.arrow` each, and, once there are many, several of them together in
 * `gallery/compacted/<ulid>.arrow`. A change is there when either has it, and is the same in both; see compaction.ts.
 */
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { readCompacted, readSegment as parseSegment, writeSegment } from '../gallery/arrow-segment.ts';
import { compareText } from '../gallery/gallery.ts';
import type { Segment } from '../gallery/segments.ts';
import { quote } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { compactedPrefix, segmentsPrefix } from './layout.ts';
import { checkName, checkVersion } from './names.ts';
import { versionExists } from './version-exists.ts';
import { noVersion } from './versions.ts';

const SUFFIX = '.arrow';
/** Who lists while others compact may have to begin anew. */
const ATTEMPTS = 10;
const READS_AT_ONCE = 32;
/** A hundred changes of a few pictures have less; an import of many thousands has more. */
const LARGE_BYTES = 32 * 1024 * 1024;

/** The files that a gallery's changes are in, by their ids; oldest first. */
export interface SegmentFiles {
  readonly loose: readonly string[];
  readonly compacted: readonly string[];
  /** Of `loose`, those that are large: it is not worth it to write them again. */
  readonly large: ReadonlySet<string>;
}

/** The ids of the changes of a version's gallery, oldest first: ULIDs sort by time. */
export async function listSegments(store: ObjectStore, model: string, version: number): Promise<string[]> {
  return again(async () => {
    const { loose, compacted } = await listSegmentFiles(store, model, version);
    const ids = new Set(loose);
    for (const id of compacted) {
      for (const inside of await idsInside(store, model, version, id)) ids.add(inside);
    }
    return [...ids].sort(compareText);
  });
}

/** One listing: where a change was moved meanwhile, it may name both of its files, but never neither. */
export async function listSegmentFiles(
  store: ObjectStore,
  model: string,
  version: number,
): Promise<SegmentFiles> {
  const prefix = prefixOf(model, version);
  const deeper = compactedPrefix(model, version);
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
 * The changes of a version's gallery, oldest first.
 * @param known changes that are in memory already: only others are read
 * @throws CorruptDataError
 */
export async function readChanges(
  store: ObjectStore,
  model: string,
  version: number,
  known: readonly Segment[] = [],
): Promise<Segment[]> {
  return again(async () => {
    const { loose, compacted } = await listSegmentFiles(store, model, version);
    const memory = new Map(known.map((segment) => [segment.id, segment]));
    const found = new Map<string, Segment>();
    for (const id of compacted) {
      const ids = insides(store).get(compactedKey(model, version, id));
      const segments = ids?.map((inside) => memory.get(inside));
      const whole = segments?.every((segment) => segment !== undefined)
        ? segments
        : await readCompactedSegments(store, model, version, id);
      for (const segment of whole) found.set(segment.id, memory.get(segment.id) ?? segment);
    }
    const missing = loose.filter((id) => !found.has(id));
    for (let at = 0; at < missing.length; at += READS_AT_ONCE) {
      const block = missing.slice(at, at + READS_AT_ONCE).map(async (id) => {
        return memory.get(id) ?? parseSegment(await readLoose(store, model, version, id), id);
      });
      for (const segment of await Promise.all(block)) found.set(segment.id, segment);
    }
    return [...found.values()].sort((a, b) => compareText(a.id, b.id));
  });
}

/**
 * One change as a file of its own, as it was written.
 * @throws NotFoundError
 */
export async function readSegment(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<Uint8Array> {
  return again(async () => {
    const found = await store.get(keyOf(model, version, id));
    if (found !== null) return found.bytes;
    for (const name of (await listSegmentFiles(store, model, version)).compacted) {
      if (!(await idsInside(store, model, version, name)).includes(id)) continue;
      const segments = await readCompactedSegments(store, model, version, name);
      const segment = segments.find((each) => each.id === id);
      if (segment !== undefined) return writeSegment(segment);
    }
    throw new NotFoundError(`There is no gallery segment ${quote(keyOf(model, version, id))}.`);
  });
}

/**
 * Adds an immutable segment to a version's gallery; writers never meet, since each has an id of its own.
 * @throws NotFoundError when there is no such version; ConflictError when the id is taken
 */
export async function addSegment(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
  bytes: Uint8Array,
): Promise<void> {
  const key = keyOf(model, version, id);
  if (!(await versionExists(store, model, version))) throw await noVersion(store, model, version);
  await store.put(key, bytes, { ifAbsent: true });
}

/** Removes a segment's own file: one that does not belong there, or whose content is in a compacted segment. */
export async function removeSegment(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<void> {
  await store.delete(keyOf(model, version, id));
}

/** What a compacted segment is made of. @throws MovedError when it is not there any more */
export async function readCompactedSegments(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<Segment[]> {
  const key = compactedKey(model, version, id);
  const found = await store.get(key);
  if (found === null) throw new MovedError(key);
  const segments = readCompacted(found.bytes, quote(key));
  insides(store).set(
    key,
    segments.map((segment) => segment.id),
  );
  return segments;
}

/** The ids of the changes in a compacted segment, which is read once for a process. @throws MovedError */
export async function idsInside(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<readonly string[]> {
  const known = insides(store).get(compactedKey(model, version, id));
  if (known !== undefined) return known;
  return (await readCompactedSegments(store, model, version, id)).map((segment) => segment.id);
}

export function compactedKey(model: string, version: number, id: string): string {
  return `${compactedPrefix(model, version)}${id}${SUFFIX}`;
}

/** It was listed, and is in another file by now. */
class MovedError extends ConflictError {
  constructor(key: string) {
    super(`${quote(key)} was compacted while it was read; so often that it was given up. Try again.`);
  }
}

/** A compacted segment never changes, and its name is never used again: what is in it need not be asked twice. */
const known = new WeakMap<ObjectStore, Map<string, readonly string[]>>();

function insides(store: ObjectStore): Map<string, readonly string[]> {
  const found = known.get(store) ?? new Map<string, readonly string[]>();
  known.set(store, found);
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

async function readLoose(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<Uint8Array> {
  const key = keyOf(model, version, id);
  const found = await store.get(key);
  if (found === null) throw new MovedError(key);
  return found.bytes;
}

function keyOf(model: string, version: number, id: string): string {
  if (isUlid(id)) return `${prefixOf(model, version)}${id}${SUFFIX}`;
  throw new InvalidInputError(
    `A gallery segment's id must be a ULID such as 01ARZ3NDEKTSV4RRFFQ69G5FAV, not ${quote(id)}.`,
  );
}

function prefixOf(model: string, version: number): string {
  checkName(model, 'model');
  checkVersion(version);
  return segmentsPrefix(model, version);
}
