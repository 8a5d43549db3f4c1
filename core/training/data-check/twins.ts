/**
 * Pairs of files that show the same picture: of the same bytes, saved again, resized, brightened, cropped a little or
 * mirrored. Three sieves, each finer and dearer than the one before: thumbnails of 8 x 8, what the frozen network makes
 * of the pictures, and one laid over the other at 64 x 64.
 */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { THUMBNAIL_SIZE } from '../../images/dataset.ts';
import type { Picture } from '../../images/dataset.ts';
import { decodePictures } from '../../images/decode-pictures.ts';
import { groupByContent } from '../../images/duplicates.ts';
import type { SamePicture } from '../../images/same-picture.ts';
import { candidatesOf } from './candidates.ts';
import type { Candidate } from './candidates.ts';
import { mirrored, normalised, pyramid } from './pyramid.ts';
import type { Level } from './pyramid.ts';
import { likeness } from './registration.ts';

/** Rows `a < b` that show the same. */
export interface Twins {
  readonly a: number;
  readonly b: number;
  /** The correlation of one laid over the other; 1: the same bytes. */
  readonly likeness: number;
  readonly isMirrored: boolean;
}

/** Least correlation of one laid over the other. Other pictures of like things reach 0.97, see docs/data-check.md. */
const SAME = 0.98;
/** Only the same bytes are quite the same. */
const ALMOST = 0.9999;
const FINEST = 64;
const COARSEST = 16;

/** For a sentence: "a and b are ...". */
export function howAlike({ likeness: value, isMirrored }: Twins): string {
  if (isMirrored) return 'the same picture, mirrored';
  return value === 1 ? 'the same file' : 'the same picture';
}

/**
 * All pairs, those of the same bytes included.
 * @param features of unit length, a row a picture; null: not known yet, and the second sieve is left out
 */
export async function findTwins(pictures: readonly Picture[], features: Tensor2D | null): Promise<Twins[]> {
  const candidates = candidatesOf(await thumbnailsOf(pictures), features);
  return [...ofSameBytes(pictures), ...(await laidOver(pictures, candidates))];
}

/**
 * The same before anything is computed of the pictures, for whoever divides them. Without mirrored ones of two classes:
 * mirrored, one thing may be another, such as a left shoe, or a letter.
 */
export async function samePictures(pictures: readonly Picture[]): Promise<SamePicture[]> {
  const twins = await findTwins(pictures, null);
  return twins
    .map((pair) => ({ ...pair, one: pictures[pair.a] as Picture, other: pictures[pair.b] as Picture }))
    .filter(({ isMirrored, one, other }) => !isMirrored || one.className === other.className)
    .map(({ one, other }): SamePicture => [one, other]);
}

function ofSameBytes(pictures: readonly Picture[]): Twins[] {
  const rows = new Map(pictures.map((picture, row) => [picture, row]));
  return [...groupByContent(pictures).values()].flatMap((group) => {
    const [first = 0, ...others] = group
      .map((picture) => rows.get(picture) as number)
      .toSorted((a, b) => a - b);
    return others.map((b) => ({ a: first, b, likeness: 1, isMirrored: false }));
  });
}

/** (8 x 8 x 3) numbers, and those of the mirrored picture; null for what cannot be decoded or has nothing to see. */
async function thumbnailsOf(
  pictures: readonly Picture[],
): Promise<({ as: Float32Array; mirrored: Float32Array } | null)[]> {
  const decoded = await decodedAt(
    pictures.filter(({ thumbnail }) => thumbnail === undefined),
    THUMBNAIL_SIZE,
  );
  return pictures.map((picture) => {
    const pixels = picture.thumbnail ?? decoded.get(picture);
    const [level] = pixels === undefined ? [] : pyramid(pixels, THUMBNAIL_SIZE, 8);
    const as = level && normalised(level);
    const turned = level && normalised(mirrored(level));
    return as && turned ? { as, mirrored: turned } : null;
  });
}

async function decodedAt(pictures: readonly Picture[], size: number): Promise<Map<Picture, Uint8Array>> {
  const found = new Map<Picture, Uint8Array>();
  // The scan's own kernel; linear with antialiasing keeps no detail that a resized copy would lack.
  for await (const { picture, pixels } of decodePictures(pictures, {
    size,
    fit: 'squash',
    kernel: 'linear',
  })) {
    if (pixels !== undefined) found.set(picture, pixels.data);
  }
  return found;
}

/** Where one is a part of the other, it is found sooner in one direction than in the other. */
function eitherWay(one: readonly Level[], other: readonly Level[]): number {
  const value = likeness(one, other);
  return value >= SAME ? value : Math.max(value, likeness(other, one));
}

async function laidOver(pictures: readonly Picture[], candidates: readonly Candidate[]): Promise<Twins[]> {
  const rows = new Set(candidates.flatMap(({ a, b }) => [a, b]));
  const decoded = await decodedAt(
    [...rows].map((row) => pictures[row] as Picture),
    FINEST,
  );
  const levelsOf = (row: number): Level[] | null => {
    const pixels = decoded.get(pictures[row] as Picture);
    return pixels === undefined ? null : pyramid(pixels, FINEST, COARSEST);
  };
  const alike: Twins[] = [];
  for (const { a, b, mayBe } of candidates) {
    if (pictures[a]?.sha256 === pictures[b]?.sha256) continue;
    const [one, other] = [levelsOf(a), levelsOf(b)];
    if (one === null || other === null) continue;
    const straight = mayBe.straight ? eitherWay(one, other) : 0;
    const isMirrored = straight < SAME && mayBe.mirrored;
    const value = isMirrored ? eitherWay(one, other.map(mirrored)) : straight;
    if (value >= SAME) alike.push({ a, b, likeness: Math.min(ALMOST, value), isMirrored });
  }
  return alike;
}
