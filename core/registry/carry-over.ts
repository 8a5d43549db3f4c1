/**
 * Carrying over to another version what was changed in a gallery since it was made. Each change is written under the id that it has in the
 * first version, and only once; so it can be stopped at any moment and done again, by several at once as well.
 */
import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import { CancelledError, ConflictError } from '../errors.ts';
import { writeSegment } from '../gallery/arrow.ts';
import { planCarryOver } from '../gallery/carry-over.ts';
import type { CarryPlan, GalleryLog, KeptNote } from '../gallery/carry-over.ts';
import { createSegment } from '../gallery/segments.ts';
import type { Named, NamedEntry, SegmentEntry } from '../gallery/segments.ts';
import type { Picture } from '../images/dataset.ts';
import { CarriedEmbeddings } from './carried-embeddings.ts';
import { readGalleryLog } from './gallery-log.ts';
import { keptPicture } from './pictures.ts';
import type { Registry } from './registry.ts';

/** How to do it. */
export interface CarryOptions {
  /** Embeds pictures with the network of the version that they are carried to. */
  embed(
    pictures: readonly Picture[],
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<EmbeddedPictures>;
  /** Whether pictures that were not kept, or cannot be read, are left out for good, or nothing at all is done. */
  readonly missing: 'refuse' | 'drop';
  /** Carry over these changes alone. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Pictures at hand, by their checksum, also where they are not kept. */
  readonly atHand?: ReadonlyMap<string, Picture> | undefined;
  readonly signal?: AbortSignal | undefined;
  onProgress?(done: number, total: number): void;
}

/** What came of it. */
export interface CarriedOver {
  /** How many changes were written; 0 where the other version had all. */
  readonly changes: number;
  /** How many pictures were embedded for it. */
  readonly embedded: number;
  /** Pictures that could not be carried over, and why not; when they are a reason to refuse, nothing was written. */
  readonly missing: readonly MissingPicture[];
  readonly kept: readonly KeptNote[];
}

export interface MissingPicture {
  readonly key: string;
  readonly reason: string;
}

const BLOCK = 32;
export const NOTHING_CARRIED: CarriedOver = { changes: 0, embedded: 0, missing: [], kept: [] };

/**
 * Gives the gallery of version `to` the changes that `from` has and it has not, until there is none; those that are made meanwhile too.
 * What it means for a gallery that was made from other pictures: see `planCarryOver`.
 * @throws NotFoundError; CorruptDataError; CancelledError when the signal says so: what was embedded by then is kept
 */
export async function carryOver(
  registry: Registry,
  model: string,
  { from, to }: { readonly from: number; readonly to: number },
  options: CarryOptions,
): Promise<CarriedOver> {
  const embeddings = new CarriedEmbeddings(registry.store, model, to);
  let sum = NOTHING_CARRIED;
  while (await isBehind(registry, model, from, to, options.only)) {
    const logs = {
      from: await readGalleryLog(registry, { model, version: from }),
      to: await readGalleryLog(registry, { model, version: to }),
    };
    const plan = planCarryOver(logs.from, logs.to, options.only);
    const found = await findEmbeddings(registry, model, { plan, to: logs.to, embeddings }, options);
    const { embedded, missing } = found;
    sum = addCarried(sum, { changes: 0, embedded, missing, kept: plan.kept });
    if (found.missing.length > 0 && options.missing === 'refuse') return sum;
    sum = {
      ...sum,
      changes: sum.changes + (await write(registry, model, to, logs.to, plan, found, options)),
    };
  }
  await embeddings.clear();
  return sum;
}

/** Whether the one version has changes that the other has not. */
async function isBehind(
  registry: Registry,
  model: string,
  from: number,
  to: number,
  only: CarryOptions['only'],
): Promise<boolean> {
  const changes = await registry.segments(model, from);
  const there = new Set(await registry.segments(model, to));
  return changes.some((id) => !there.has(id) && (only?.has(id) ?? true));
}

interface Found {
  readonly embeddings: ReadonlyMap<string, Float32Array>;
  readonly embedded: number;
  readonly missing: readonly MissingPicture[];
}

/** The embeddings of all pictures that the plan adds: known ones, ones of an attempt before, new ones. */
async function findEmbeddings(
  registry: Registry,
  model: string,
  { plan, to, embeddings }: { plan: CarryPlan; to: GalleryLog; embeddings: CarriedEmbeddings },
  options: CarryOptions,
): Promise<Found> {
  const known = await embeddings.read(to);
  const wanted = new Map<string, Named>();
  for (const entry of plan.segments.flatMap(({ entries }) => entries)) {
    if (entry.op === 'add' && !known.has(entry.sha256)) wanted.set(entry.sha256, entry);
  }
  const mirrored = seenSums(plan);
  const { pictures, missing } = await findPictures(registry, model, wanted.values(), mirrored, options);
  if (missing.length > 0 && options.missing === 'refuse') return { embeddings: known, embedded: 0, missing };
  let done = 0;
  for (let start = 0; start < pictures.length; start += BLOCK) {
    checkGoingOn(options);
    const block = await options.embed(pictures.slice(start, start + BLOCK), options);
    for (const { picture, reason } of block.rejected) {
      if (!mirrored.has(picture.sha256)) missing.push({ key: picture.key, reason });
    }
    await embeddings.keep(to, block, known);
    done += block.pictures.length;
    options.onProgress?.(Math.min(start + BLOCK, pictures.length), pictures.length);
  }
  return { embeddings: known, embedded: done, missing };
}

/**
 * The pictures that changes took over from a data set. One that is gone from there by now is about to go from the gallery too, and no
 * reason to refuse; whoever compares with the data set next makes up for all that is left out.
 */
function seenSums({ segments }: CarryPlan): Set<string> {
  const entries = segments.flatMap((segment) => segment.entries);
  return new Set(entries.flatMap((entry) => (entry.op === 'seen' ? (entry.sha256 ?? []) : [])));
}

async function findPictures(
  { store }: Registry,
  model: string,
  wanted: Iterable<Named>,
  mirrored: ReadonlySet<string>,
  { atHand }: CarryOptions,
): Promise<{ pictures: Picture[]; missing: MissingPicture[] }> {
  const pictures: Picture[] = [];
  const missing: MissingPicture[] = [];
  for (const { key, class: className, sha256 } of wanted) {
    const picture = atHand?.get(sha256) ?? (await keptPicture(store, model, sha256, { key, className }));
    if (picture !== null) pictures.push({ ...picture, key, className });
    else if (!mirrored.has(sha256))
      missing.push({ key, reason: 'the picture was not kept, or is gone from its data set' });
  }
  return { pictures, missing };
}

/** @returns how many changes were written, by this process */
async function write(
  registry: Registry,
  model: string,
  to: number,
  { made }: GalleryLog,
  { segments }: CarryPlan,
  { embeddings }: Found,
  options: CarryOptions,
): Promise<number> {
  let written = 0;
  for (const { id, entries } of segments) {
    checkGoingOn(options);
    const own = withEmbeddings(entries, embeddings);
    try {
      await registry.addSegment(model, to, id, await writeSegment(createSegment(made, own, id)));
      written++;
    } catch (error) {
      // Somebody else carries the same over, and was faster.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  return written;
}

/** Without the pictures that could not be embedded, and without saying that these were taken over. */
function withEmbeddings(
  entries: readonly NamedEntry[],
  embeddings: ReadonlyMap<string, Float32Array>,
): SegmentEntry[] {
  const without = new Set(
    entries.flatMap((entry) => (entry.op === 'add' && !embeddings.has(entry.sha256) ? [entry.sha256] : [])),
  );
  return entries.flatMap((entry): SegmentEntry[] => {
    if (entry.op === 'remove') return [entry];
    if (entry.op === 'seen') return entry.sha256 !== null && without.has(entry.sha256) ? [] : [entry];
    const embedding = embeddings.get(entry.sha256);
    return embedding === undefined ? [] : [{ ...entry, embedding }];
  });
}

function checkGoingOn({ signal }: CarryOptions): void {
  if (signal?.aborted) {
    throw new CancelledError(
      'Stopped while changes of the gallery were carried over; doing it again goes on from here.',
    );
  }
}

/** What came of two, one after the other. */
export function addCarried(a: CarriedOver, b: CarriedOver): CarriedOver {
  return {
    changes: a.changes + b.changes,
    embedded: a.embedded + b.embedded,
    missing: [...a.missing, ...b.missing],
    kept: [...a.kept, ...b.kept],
  };
}
