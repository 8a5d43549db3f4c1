/**
 * Putting many changes of a gallery into one file, so that opening the version needs few reads.
 *
 * Why nothing is lost, whatever others do meanwhile, on a folder as in S3:
 *
 * - A compacted segment holds the changes themselves, each with its id. A change that somebody else writes meanwhile has an id and a file
 *   of its own, and applies in its place among the others, also when that is before the last one that was compacted. So there is
 *   nothing to be merged, and no file is ever written twice.
 * - It is written in one step, under a new name. Until then its changes are where they were; from then on they are in both places, and
 *   who reads takes each once. There is no state in between.
 * - A file is removed only by a later run, and only when a compacted segment that was read back has all that is in the file, and is
 *   "greater": it has more changes, or the same ones and a later id. Of two runs at once, which found the same, neither can therefore
 *   remove what the other relies on: greater files are never removed for the sake of lesser ones, and what is in any file is in a greatest
 *   one too. A process that is killed at any moment leaves both, or the greater one.
 * - Whoever lists while a file is removed could see neither the file, which is gone, nor the compacted segment, if the listing was past
 *   that place when it was written. So a file stays for ten minutes after what replaces it is there, which is longer than listings take. Who
 *   has listed a file and finds it gone lists again (segments.ts).
 */
import { decodeTime, ulid } from 'ulid';
import { writeCompacted, writeSegment } from '../gallery/arrow-segment.ts';
import type { Segment } from '../gallery/segments.ts';
import type { ObjectStore } from '../storage/store.ts';
import {
  again,
  compactedKey,
  idsInside,
  listSegmentFiles,
  readChanges,
  readCompactedSegments,
  readSegment,
  removeSegment,
} from './segments.ts';
import type { SegmentFiles } from './segments.ts';

export interface CompactionOptions {
  /** Changes with a file of their own from which on it is worth it. @default 64 */
  readonly atLeast?: number;
  /** How long files stay after what replaces them is there. @default ten minutes */
  readonly graceMs?: number;
}

/** What was done. */
export interface Compaction {
  /** Changes that were put into one file now. */
  readonly compacted: number;
  /** Files that went, since another one has what is in them. */
  readonly removed: number;
}

/** A gallery's files, and which changes each compacted one has. */
interface Files extends SegmentFiles {
  readonly inside: ReadonlyMap<string, ReadonlySet<string>>;
}

const AT_LEAST = 64;
const GRACE_MS = 10 * 60_000;

/**
 * Compacts what has gathered, and removes what earlier runs have compacted; see above. Any number of processes may do it at once.
 * @throws CorruptDataError when a change cannot be read: nothing is done then
 */
export async function compactGallery(
  store: ObjectStore,
  { model, version }: { readonly model: string; readonly version: number },
  { atLeast = AT_LEAST, graceMs = GRACE_MS }: CompactionOptions = {},
): Promise<Compaction> {
  const { files, removed } = await again(async () => {
    const found = await filesOf(store, model, version);
    return { files: found, removed: await removeReplaced(store, model, version, found, graceMs) };
  });
  const ids = worthwhile(files, atLeast);
  if (ids === null) return { compacted: 0, removed };
  const changes = (await readChanges(store, model, version)).filter(({ id }) => ids.has(id));
  const id = ulid();
  await store.put(compactedKey(model, version, id), await writeCompacted(changes), { ifAbsent: true });
  return { compacted: changes.length, removed };
}

async function filesOf(store: ObjectStore, model: string, version: number): Promise<Files> {
  const files = await listSegmentFiles(store, model, version);
  const inside = new Map<string, ReadonlySet<string>>();
  for (const id of files.compacted) inside.set(id, new Set(await idsInside(store, model, version, id)));
  return { ...files, inside };
}

/**
 * The changes that are to be compacted: those that are in no compacted segment and not large, and with them every compacted segment that has not many more
 * than have gathered by then. So each change is written again only as often as the whole has doubled.
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
  version: number,
  { loose, compacted, inside }: Files,
  graceMs: number,
): Promise<number> {
  let removed = 0;
  const old = compacted.filter((id) => decodeTime(id) < Date.now() - graceMs);
  for (const id of old) {
    const ids = inside.get(id) ?? new Set<string>();
    const singles = loose.filter((one) => ids.has(one));
    const lesser = compacted.filter((other) => isLesser(other, id, inside));
    if (singles.length === 0 && lesser.length === 0) continue;
    const segments = await readCompactedSegments(store, model, version, id);
    for (const single of singles) {
      if (!(await isSame(store, model, version, segments, single))) continue;
      await removeSegment(store, model, version, single);
      removed++;
    }
    for (const other of lesser) {
      await store.delete(compactedKey(model, version, other));
      removed++;
    }
  }
  return removed;
}

/** Whether all that is in the one compacted segment is in the other; of two with the same the later one has it. */
function isLesser(one: string, other: string, inside: Files['inside']): boolean {
  const [mine, theirs] = [inside.get(one), inside.get(other)];
  if (one === other || mine === undefined || theirs === undefined) return false;
  if (![...mine].every((id) => theirs.has(id))) return false;
  return mine.size < theirs.size || one < other;
}

/** Whether the compacted segment has just what the change's own file has. */
async function isSame(
  store: ObjectStore,
  model: string,
  version: number,
  segments: readonly Segment[],
  id: string,
): Promise<boolean> {
  const inside = segments.find((segment) => segment.id === id);
  if (inside === undefined) return false;
  return Buffer.from(await writeSegment(inside)).equals(await readSegment(store, model, version, id));
}
