/** The embeddings of an import, in pieces that are each written once: one that is there need not be made again. */
import { ConflictError, NotFoundError } from '../../errors.ts';
import { readEmbedded, writeEmbedded } from '../../gallery/arrow-embedded.ts';
import type { EmbeddedRow } from '../../gallery/arrow-embedded.ts';
import { requireSameBinding } from '../../gallery/gallery.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { pieceKey, pieceOf, piecesPrefix } from './keys.ts';
import type { ImportPlan } from './plan.ts';

/** The numbers of the pieces that are there. */
export async function listPieces(store: ObjectStore, job: string): Promise<Set<number>> {
  const pieces = new Set<number>();
  for await (const { key, problem } of store.list(piecesPrefix(job))) {
    const piece = problem ? null : pieceOf(job, key);
    if (piece !== null) pieces.add(piece);
  }
  return pieces;
}

/** Keeps what became of a piece's pictures; of two who made the same piece, the first one's counts. */
export async function writePiece(
  store: ObjectStore,
  job: string,
  { binding }: ImportPlan,
  piece: number,
  rows: readonly EmbeddedRow[],
): Promise<void> {
  try {
    await store.put(pieceKey(job, piece), await writeEmbedded(binding, rows), { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}

/**
 * What became of a piece's pictures, in their order.
 * @throws NotFoundError when it is not there; CorruptDataError; InvalidInputError when another network made it
 */
export async function readPiece(
  store: ObjectStore,
  job: string,
  { binding }: ImportPlan,
  piece: number,
): Promise<readonly EmbeddedRow[]> {
  const key = pieceKey(job, piece);
  const found = await store.get(key);
  if (found === null)
    throw new NotFoundError(`The piece ${JSON.stringify(key)} is not there. Embed its part again.`);
  const read = readEmbedded(found.bytes, JSON.stringify(key));
  requireSameBinding(binding, read.binding, JSON.stringify(key));
  return read.rows;
}

/** How many pictures the pieces have. */
export function picturesIn({ pictures, pieceSize }: ImportPlan, pieces: Iterable<number>): number {
  let sum = 0;
  for (const piece of pieces) sum += Math.min(pieceSize, Math.max(0, pictures - piece * pieceSize));
  return sum;
}
