/** Where an import keeps what it needs until it is done: under its job's own keys. */
import { JOBS } from '../../jobs/job.ts';

const SUFFIX = '.arrow';
const DIGITS = 7;

/** What is to be embedded, and with what; all parts see the same. */
export const planKey = (job: string): string => `${JOBS}${job}/plan.json`;
/** The names of the pictures, a document for each piece. */
export const listingsPrefix = (job: string): string => `${JOBS}${job}/listing/`;
export const listingPrefix = (job: string, listing: string): string => `${listingsPrefix(job)}${listing}/`;
export const listingKey = (job: string, listing: string, piece: number): string =>
  `${listingPrefix(job, listing)}${numbered(piece)}.json`;
/** When it was begun to embed. */
export const embeddingKey = (job: string): string => `${JOBS}${job}/embedding.json`;
/** The embeddings of each piece. */
export const piecesPrefix = (job: string): string => `${JOBS}${job}/pieces/`;
export const pieceKey = (job: string, piece: number): string =>
  `${piecesPrefix(job)}${numbered(piece)}${SUFFIX}`;
/** Which change of the gallery it becomes. */
export const publicationKey = (job: string): string => `${JOBS}${job}/publication.json`;

/** The number of the piece of that key, or null when it is none. */
export function pieceOf(job: string, key: string): number | null {
  const name = key.slice(piecesPrefix(job).length);
  return new RegExp(`^\\d{${DIGITS}}\\${SUFFIX}$`).test(name) ? Number(name.slice(0, DIGITS)) : null;
}

function numbered(piece: number): string {
  return String(piece).padStart(DIGITS, '0');
}
