import { InvalidInputError, NotFoundError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { segmentsPrefix } from './layout.ts';
import { checkName, checkVersion } from './names.ts';
import { noVersion, versionExists } from './versions.ts';

const SUFFIX = '.arrow';

/** The ids of the additions to a version's gallery, oldest first: ULIDs sort by time. */
export async function listSegments(store: ObjectStore, model: string, version: number): Promise<string[]> {
  const prefix = prefixOf(model, version);
  const ids: string[] = [];
  for await (const { key, problem } of store.list(prefix)) {
    const id = key.slice(prefix.length, -SUFFIX.length);
    if (key.endsWith(SUFFIX) && isUlid(id) && !problem) ids.push(id);
  }
  return ids;
}

/** @throws NotFoundError when it was compacted away, or never was */
export async function readSegment(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<Uint8Array> {
  const key = keyOf(model, version, id);
  const found = await store.get(key);
  if (found === null)
    throw new NotFoundError(`There is no gallery segment ${quote(key)} (any more). List them again.`);
  return found.bytes;
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

/** Removes a segment, after its content was written into another one. */
export async function removeSegment(
  store: ObjectStore,
  model: string,
  version: number,
  id: string,
): Promise<void> {
  await store.delete(keyOf(model, version, id));
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
