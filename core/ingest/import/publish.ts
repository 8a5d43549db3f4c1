/**
 * All pieces of an import become one change of the gallery: one file, so that nobody ever sees a half of it.
 *
 * Which change it is, and which earlier changes it was worked out from, is decided by conditional create before it is written. So whoever
 * publishes, at the same time or after somebody who was killed, makes the very same bytes under the very same name; of all who write them
 * one succeeds. Changes of others meanwhile apply before or after it by their ULIDs, as always.
 */
import { CancelledError, ConflictError } from '../../errors.ts';
import type { EmbeddedRow } from '../../gallery/arrow-embedded.ts';
import { writeSegment } from '../../gallery/arrow-segment.ts';
import type { GalleryLog } from '../../gallery/carry-over.ts';
import { classOf } from '../../gallery/names.ts';
import { placePictures } from '../../gallery/placing.ts';
import type { Placed } from '../../gallery/placing.ts';
import { saidPictures } from '../../gallery/said.ts';
import { applySegments, createSegment } from '../../gallery/segments.ts';
import type { Addition } from '../../gallery/segments.ts';
import type { Picture } from '../../images/dataset.ts';
import { inOrder } from '../../images/in-order.ts';
import { readGalleryLog } from '../../registry/gallery-log.ts';
import type { Registry } from '../../registry/registry.ts';
import { followAlias } from '../../promotion/follow-alias.ts';
import type { ImportJob } from '../../jobs/job.ts';
import { requirePlan } from './part.ts';
import { listPieces, picturesIn, readPiece } from './pieces.ts';
import type { ImportPlan } from './plan.ts';
import { decidePublication } from './published.ts';
import type { Publication } from './published.ts';
import { KEPT_REASONS } from './request.ts';
import type { ImportResult, LeftOut } from './request.ts';
import { keptOf } from './source.ts';
import type { Source } from './source.ts';

const READS_AT_ONCE = 8;

export interface PublishOptions {
  readonly signal?: AbortSignal | undefined;
  /** How many pieces were read. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A picture of the data set that has an embedding. */
type Imported = Extract<EmbeddedRow, { readonly sha256: string }> & { readonly className: string };

/**
 * Adds everything to the version's gallery, once however often it is done. Pictures that their class has already are not added again, nor those
 * that somebody has said to be of another one.
 * @throws ConflictError while pieces are missing; NotFoundError when the version is gone; CorruptDataError; CancelledError
 */
export async function publishImport(
  registry: Registry,
  job: ImportJob,
  source: Source,
  options: PublishOptions = {},
): Promise<ImportResult> {
  const { model, version, alias } = job.request;
  const plan = await requirePlan(registry, job);
  await requirePieces(registry, job, plan);
  const log = await readGalleryLog(registry, { model, version });
  const publication = await decidePublication(registry.store, job, log.segments);
  const { imported, left } = await readAll(registry, job, plan, options);
  const then = logThen(log, publication);
  const gallery = applySegments(then.made, then.segments);
  const placed = placePictures(gallery, imported, saidPictures(then));
  const added = placed.fresh.length;
  let has = version;
  if (added > 0) {
    await write(registry, job, source, log, publication, placed, options);
    const pictures = placed.fresh.map(({ picture, key }) => atHand(registry, source, picture, key));
    has = await followAlias(registry, { model, version, alias }, publication.segment, pictures);
  }
  return {
    model,
    version: has,
    segment: added > 0 ? publication.segment : null,
    added,
    unchanged: placed.there.length,
    duplicates: placed.twice.length,
    left: {
      count: plan.left.count + left.length,
      first: [...plan.left.first, ...left].slice(0, KEPT_REASONS),
    },
  };
}

async function requirePieces({ store }: Registry, { id }: ImportJob, plan: ImportPlan): Promise<void> {
  const there = await listPieces(store, id);
  if (there.size >= plan.pieces) return;
  throw new ConflictError(
    `Of the import ${id} ${picturesIn(plan, there)} of ${plan.pictures} pictures are embedded. Embed the other parts first; ` +
      `"kindred gallery import --resume ${id}" does what is missing.`,
  );
}

/** The gallery that the decision was made on; changes are never rewritten, so that it can always be made again. */
function logThen({ made, segments }: GalleryLog, { after }: Publication): GalleryLog {
  const known = new Set(after);
  return { made, segments: segments.filter(({ id }) => known.has(id)) };
}

async function readAll(
  { store }: Registry,
  { id }: ImportJob,
  plan: ImportPlan,
  { signal, onProgress }: PublishOptions,
): Promise<{ readonly imported: readonly Imported[]; readonly left: readonly LeftOut[] }> {
  const imported: Imported[] = [];
  const left: LeftOut[] = [];
  const numbers = Array.from({ length: plan.pieces }, (_, piece) => piece);
  let done = 0;
  for await (const rows of inOrder(numbers, READS_AT_ONCE, (piece) => readPiece(store, id, plan, piece))) {
    checkWanted(signal);
    for (const row of rows) {
      if (row.reason === undefined) imported.push({ ...row, className: classOf(row.key) });
      else left.push({ key: row.key, reason: row.reason });
    }
    onProgress?.(++done, plan.pieces);
  }
  return { imported, left };
}

async function write(
  registry: Registry,
  { request: { model, version, keepPictures } }: ImportJob,
  source: Source,
  { made }: GalleryLog,
  { segment: id }: Publication,
  { fresh }: Placed<Imported>,
  { signal }: PublishOptions,
): Promise<void> {
  const entries = fresh.map(({ picture, key }): Addition => {
    const { sha256, embedding } = picture;
    return { op: 'add', key, class: classOf(key), sha256, embedding };
  });
  const segment = createSegment(made, entries, id);
  // The parts have kept them; who cleared pictures away meanwhile did not know that they would be needed.
  const kept = keepPictures
    ? fresh.map(({ picture: { key, sha256 } }) => keptOf(registry.store, source, { path: key, sha256 }))
    : [];
  const add = async (): Promise<void> => {
    const bytes = await writeSegment(segment);
    // The last moment: from here on it is there as a whole.
    checkWanted(signal);
    try {
      await registry.addSegment(model, version, id, bytes);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error; // it is there already
    }
  };
  await registry.keepPictures(model, kept, add, { mostlyKept: true });
}

function checkWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('Stopped before the pictures were added to the gallery.');
}

function atHand(registry: Registry, source: Source, { key: path, sha256 }: Imported, key: string): Picture {
  return {
    key,
    className: classOf(key),
    sha256,
    read: keptOf(registry.store, source, { path, sha256 }).read,
  };
}
