/** A part of an import: its pictures are embedded, piece by piece. Done again, or twice at once, it comes to the same. */
import { embedPictures } from '../../embedding/embed-pictures.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { CancelledError, CorruptDataError, InvalidInputError } from '../../errors.ts';
import type { EmbeddedRow } from '../../gallery/arrow-embedded.ts';
import { networkIdOf } from '../../registry/network-id.ts';
import type { Registry } from '../../registry/registry.ts';
import { readImport } from '../../jobs/job.ts';
import type { ImportJob } from '../../jobs/job.ts';
import { plainText } from '../../jobs/plain-text.ts';
import { listPieces, writePiece } from './pieces.ts';
import { piecesOfPart, readListing, readPlan } from './plan.ts';
import type { ImportPlan } from './plan.ts';
import { keptOf, namedPicture } from './source.ts';
import type { Source } from './source.ts';

/** How often a piece is begun of which a picture changes meanwhile. */
const TRIES = 3;

export interface PartOptions {
  /** The embedder of the version; asked for when there is something to embed, and disposed of. */
  readonly open: (version: { readonly model: string; readonly version: number }) => Promise<Embedder>;
  readonly signal?: AbortSignal | undefined;
  /** How many of the part's pictures are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What there was to do for a part. */
export interface PartDone {
  readonly pictures: number;
  /** Of them, how many were embedded now. */
  readonly embedded: number;
}

/**
 * Embeds what is missing of a part, 0 to before the job's number of parts. Pictures that cannot be used are noted with their reasons.
 * @throws InvalidInputError when there is no such part, or the import was not planned yet; NotFoundError when the version is gone;
 * CancelledError when it was stopped, or the job was cancelled or has failed
 */
export async function embedPart(
  registry: Registry,
  job: ImportJob,
  part: number,
  source: Source,
  { open, signal, onProgress }: PartOptions,
): Promise<PartDone> {
  const plan = await requirePlan(registry, job);
  const { parts } = job.request;
  if (!Number.isSafeInteger(part) || part < 0 || part >= parts) {
    throw new InvalidInputError(`The import ${job.id} has the parts 0 to ${parts - 1}; there is no ${part}.`);
  }
  if ((await stateOf(registry, job)) === 'done') return { pictures: 0, embedded: 0 };
  const { from, to } = piecesOfPart(plan, parts, part);
  const there = await listPieces(registry.store, job.id);
  const own = Array.from({ length: to - from }, (_, i) => from + i);
  const missing = own.filter((piece) => !there.has(piece));
  const sizeOf = (piece: number): number => Math.min(plan.pieceSize, plan.pictures - piece * plan.pieceSize);
  const pictures = own.reduce((sum, piece) => sum + sizeOf(piece), 0);
  if (missing.length === 0) return { pictures, embedded: 0 };
  await requireNetwork(registry, job, plan);
  const embedder = await open(job.request);
  let embedded = 0;
  let done = pictures - missing.reduce((sum, piece) => sum + sizeOf(piece), 0);
  try {
    for (const piece of missing) {
      if ((await stateOf(registry, job)) === 'done') break;
      const tell = (now: number): void => onProgress?.(done + now, pictures);
      const options = { embedder, signal, tell };
      embedded += await again(() => embedPiece(registry, job, plan, piece, source, options));
      done += sizeOf(piece);
    }
  } finally {
    embedder.dispose();
  }
  return { pictures, embedded };
}

/** A picture that changes between being embedded and being kept is no reason to give up all others: the piece is made anew. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CorruptDataError) || tries >= TRIES) throw error;
    }
  }
}

/** @throws InvalidInputError when there is none yet */
export async function requirePlan({ store }: Registry, { id }: ImportJob): Promise<ImportPlan> {
  const plan = await readPlan(store, id);
  if (plan !== null) return plan;
  throw new InvalidInputError(
    `The import ${id} was not planned yet: run "kindred gallery import --resume ${id} --step plan" first.`,
  );
}

/** @throws CancelledError when nobody wants it any more */
async function stateOf({ store }: Registry, { id }: ImportJob): Promise<'open' | 'done'> {
  const { state, cancelRequested } = await readImport(store, id);
  if (state === 'cancelled' || state === 'failed' || cancelRequested) {
    const what = state === 'failed' ? 'has failed' : 'was cancelled';
    throw new CancelledError(
      `The import ${id} ${what}; its parts stop. What they have embedded is kept, and "kindred gallery import --resume ${id}" goes on with it: all of it, or from "--step plan" on.`,
    );
  }
  return state === 'succeeded' ? 'done' : 'open';
}

/** A version's number is never used again, so that this only fails for a registry that somebody put together by hand. */
async function requireNetwork(
  registry: Registry,
  { request: { model, version } }: ImportJob,
  { binding }: ImportPlan,
): Promise<void> {
  const network = networkIdOf((await registry.manifest(model, version)).files);
  if (binding.embedder?.version === network) return;
  throw new InvalidInputError(
    `The import was planned for another network than ${model}@${version} has now. Start it again.`,
  );
}

interface PieceOptions {
  readonly embedder: Embedder;
  readonly signal: AbortSignal | undefined;
  readonly tell: (done: number) => void;
}

async function embedPiece(
  registry: Registry,
  job: ImportJob,
  plan: ImportPlan,
  piece: number,
  source: Source,
  { embedder, signal, tell }: PieceOptions,
): Promise<number> {
  const { store } = registry;
  const paths = await readListing(store, job.id, plan, piece);
  const named = paths.map((path) => namedPicture(source, path));
  const pictures = named.map(({ picture }) => picture);
  const embedded = await embedPictures(embedder, pictures, { signal, onProgress: tell });
  const rowOf = new Map(embedded.pictures.map((picture, row) => [picture, row]));
  const reasons = new Map(embedded.rejected.map(({ picture, reason }) => [picture, reason]));
  const { dimensions } = embedder;
  const rows = named.map(({ picture, sha256 }): EmbeddedRow => {
    const [row, sum, key] = [rowOf.get(picture), sha256(), picture.key];
    if (row === undefined || sum === null)
      return { key, reason: plainText(reasons.get(picture) ?? 'it cannot be read') };
    return {
      key,
      sha256: sum,
      embedding: embedded.embeddings.subarray(row * dimensions, (row + 1) * dimensions),
    };
  });
  const kept = job.request.keepPictures
    ? rows.flatMap(({ key, sha256 }) =>
        sha256 === undefined ? [] : [keptOf(store, source, { path: key, sha256 })],
      )
    : [];
  await registry.keepPictures(job.request.model, kept, () => writePiece(store, job.id, plan, piece, rows));
  return paths.length;
}
