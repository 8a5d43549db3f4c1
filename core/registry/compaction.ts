/**
 * Putting many changes of a gallery into one file, so that opening a version needs few reads.
 *
 * Why nothing is lost, whatever others do meanwhile, on a folder as in S3:
 *
 * - A compacted file holds the changes themselves, each with its id. A change that another process writes meanwhile has an id and a file
 *   of its own, and applies in its place among the others, also when that is before the last one that was compacted. So there is
 *   nothing to be merged, and no file is ever written twice.
 * - It is written in one step, under a new name. Until then its changes are where they were; from then on they are in both places, and
 *   who reads takes each once. There is no state in between.
 * - A file is removed only by a later run, and only for a compacted file that was read back and has all that is in it; a compacted file
 *   only for one with a greater id. So of two runs at once neither removes what the other relies on, and what is in any file stays in the last
 *   one that has it. A process that is killed at any moment leaves both.
 * - Listings go by key. Changes' own files come before compacted ones ("0..." < "compacted/"), and compacted ones go by id. So a reader
 *   whose listing comes to a place where a file was removed finds what replaced it further on, since that was written before. A reader that
 *   has listed a file and finds it gone lists again (gallery-log.ts). No clock decides anything.
 */
import { writeChanges } from '../gallery/arrow-changes.ts';
import { idAfter } from '../gallery/facts.ts';
import type { Change } from '../gallery/facts.ts';
import type { ObjectStore } from '../storage/store.ts';
import {
  again,
  compactedKey,
  idsInside,
  listLogFiles,
  readCompacted,
  readLog,
  readLoose,
  removeLoose,
} from './gallery-log.ts';
import type { LogFiles } from './gallery-log.ts';

export interface CompactionOptions {
  /** Changes with a file of their own from which on it is worth it. @default 64 */
  readonly atLeast?: number;
}

/** What was done. */
export interface Compaction {
  /** Changes that were put into one file now. */
  readonly compacted: number;
  /** Files that went, since another one has what is in them. */
  readonly removed: number;
}

/** A log's files, and which changes each compacted one has. */
interface Files extends LogFiles {
  readonly inside: ReadonlyMap<string, ReadonlySet<string>>;
}

const AT_LEAST = 64;

/**
 * Compacts what has gathered, and removes what earlier runs have compacted; see above. Any number of processes may do it at once.
 * @throws CorruptDataError when a change cannot be read: nothing is done then
 */
export async function compactGallery(
  store: ObjectStore,
  model: string,
  { atLeast = AT_LEAST }: CompactionOptions = {},
): Promise<Compaction> {
  const { files, removed } = await again(async () => {
    const found = await filesOf(store, model);
    return { files: found, removed: await removeReplaced(store, model, found) };
  });
  const ids = worthwhile(files, atLeast);
  if (ids === null) return { compacted: 0, removed };
  const changes = (await readLog(store, model)).filter(({ id }) => ids.has(id));
  const id = idAfter(files.compacted.at(-1) ?? null);
  await store.put(compactedKey(model, id), await writeChanges(changes), { ifAbsent: true });
  return { compacted: changes.length, removed };
}

async function filesOf(store: ObjectStore, model: string): Promise<Files> {
  const files = await listLogFiles(store, model);
  const inside = new Map<string, ReadonlySet<string>>();
  for (const id of files.compacted) inside.set(id, new Set(await idsInside(store, model, id)));
  return { ...files, inside };
}

/**
 * The changes that are to be compacted: those that are in no compacted file and not large, and with them every compacted file that has not
 * many more than have gathered by then. So each change is written again only as often as the whole has doubled.
 */
function worthwhile({ loose, large, inside }: Files, atLeast: number): ReadonlySet<string> | null {
  const packed = new Set([...inside.values()].flatMap((ids) => [...ids]));
  const gathered = new Set(loose.filter((id) => !packed.has(id) && !large.has(id)));
  if (gathered.size < Math.max(2, atLeast)) return null;
  for (const ids of [...inside.values()].sort((a, b) => a.size - b.size)) {
    if (ids.size > 2 * gathered.size) break;
    for (const id of ids) gathered.add(id);
  }
  return gathered;
}

async function removeReplaced(
  store: ObjectStore,
  model: string,
  { loose, compacted, inside }: Files,
): Promise<number> {
  let removed = 0;
  for (const id of compacted) {
    const ids = inside.get(id) ?? new Set<string>();
    const singles = loose.filter((one) => ids.has(one));
    const lesser = compacted.filter((other) => isLesser(other, id, inside));
    if (singles.length === 0 && lesser.length === 0) continue;
    const changes = new Map((await readCompacted(store, model, id)).map((change) => [change.id, change]));
    for (const single of singles) {
      if (!isSame(changes.get(single), await readLoose(store, model, single))) continue;
      await removeLoose(store, model, single);
      removed++;
    }
    for (const other of lesser) {
      await store.delete(compactedKey(model, other));
      removed++;
    }
  }
  return removed;
}

/** Whether all that is in the one compacted file is in the other, which listings come to later. */
function isLesser(one: string, other: string, inside: Files['inside']): boolean {
  const [mine, theirs] = [inside.get(one), inside.get(other)];
  if (mine === undefined || theirs === undefined || one >= other) return false;
  return [...mine].every((id) => theirs.has(id));
}

/** Whether the compacted file has just what the change's own file has. */
function isSame(compacted: Change | undefined, loose: Change): boolean {
  return compacted !== undefined && JSON.stringify(compacted) === JSON.stringify(loose);
}
