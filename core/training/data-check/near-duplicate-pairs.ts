/**
 * Pairs of near-duplicates: files of the same bytes, and images saved again, resized, brightened, cropped a little or
 * mirrored. Each image is compared with its nearest neighbours by thumbnail, laid over them.
 */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { THUMBNAIL_SIZE } from '../../images/dataset.ts';
import type { Picture } from '../../images/dataset.ts';
import { decodePictures } from '../../images/decode-pictures.ts';
import { groupByContent } from '../../images/duplicates.ts';
import type { SamePicture } from '../../images/same-picture.ts';
import { tf } from '../../network/tensorflow.ts';
import { alignedCorrelation, pyramid } from './alignment.ts';

/** Rows `a < b` of two images. */
export interface NearDuplicate {
  readonly a: number;
  readonly b: number;
  /** The correlation of one laid over the other; 1: the same bytes. */
  readonly similarity: number;
  readonly isMirrored: boolean;
}

type Candidate = Omit<NearDuplicate, 'similarity'>;

/** Least correlation of thumbnails of a pair that is laid over each other. */
const CANDIDATE = 0.85;
/** Each image's nearest so many, mirrored ones counted too: on one background every image resembles every other. */
const NEIGHBOURS = 16;
/** Least correlation of one laid over the other. Different images of like objects reach 0.97, see docs/data-check.md. */
const SAME = 0.98;
/** Only the same bytes have a similarity of 1. */
const ALMOST = 0.9999;
const SIZE = 64;
/** Standard deviation, of 255, below which an image is of one colour and resembles every other one. */
const FLAT = 2;
/** Rows that are compared with all others at once. */
const BLOCK = 512;

/** All pairs. Images that cannot be decoded, or are of one colour, are in none but those of the same bytes. */
export async function findNearDuplicates(images: readonly Picture[]): Promise<NearDuplicate[]> {
  const candidates = candidatesOf(await thumbnailsOf(images)).filter(
    ({ a, b }) => images[a]?.sha256 !== images[b]?.sha256,
  );
  return [...ofSameBytes(images), ...(await verified(images, candidates))];
}

/**
 * Near-duplicates that a split must not separate: all but mirrored ones of two classes, since a mirrored letter may be
 * another letter.
 */
export async function inseparablePairs(images: readonly Picture[]): Promise<SamePicture[]> {
  return (await findNearDuplicates(images)).flatMap(({ a, b, isMirrored }): SamePicture[] => {
    const [one, other] = [images[a] as Picture, images[b] as Picture];
    return isMirrored && one.className !== other.className ? [] : [[one, other]];
  });
}

function ofSameBytes(images: readonly Picture[]): NearDuplicate[] {
  const rows = new Map(images.map((image, row) => [image, row]));
  return [...groupByContent(images).values()].flatMap((group) => {
    const [first = 0, ...others] = group.map((image) => rows.get(image) as number).toSorted((a, b) => a - b);
    return others.map((b) => ({ a: first, b, similarity: 1, isMirrored: false }));
  });
}

/** RGB of 8 x 8 pixels; one colour where an image cannot be decoded. */
async function thumbnailsOf(images: readonly Picture[]): Promise<Float32Array[]> {
  const missing = images.filter(({ thumbnail }) => thumbnail === undefined);
  const decoded = await decodedAt(missing, THUMBNAIL_SIZE);
  const nothing = new Uint8Array(THUMBNAIL_SIZE * THUMBNAIL_SIZE * 3);
  return images.map((image) => {
    const [smallest] = pyramid(image.thumbnail ?? decoded.get(image) ?? nothing, THUMBNAIL_SIZE);
    return smallest?.values ?? new Float32Array();
  });
}

async function decodedAt(images: readonly Picture[], size: number): Promise<Map<Picture, Uint8Array>> {
  const found = new Map<Picture, Uint8Array>();
  // The scan's own kernel; linear with antialiasing keeps no detail that a resized copy would lack.
  const decoded = decodePictures(images, { size, fit: 'squash', kernel: 'linear' });
  for await (const { picture, pixels } of decoded) if (pixels !== undefined) found.set(picture, pixels.data);
  return found;
}

/** Each image with its nearest neighbours, straight ones first. @param thumbnails RGB of 8 x 8 pixels */
export function candidatesOf(thumbnails: readonly Float32Array[]): Candidate[] {
  const count = thumbnails.length;
  const found = new Map<string, Candidate>();
  const rows = tf.tidy(() => normalised(thumbnails));
  const both = tf.tidy(() =>
    tf.concat([rows, tf.reverse(rows.reshape([count, 8, 8, 3]), 2).reshape(rows.shape)]),
  );
  for (let start = 0; start < count; start += BLOCK) {
    const { values, indices } = tf.tidy(() => {
      const block = tf.slice(rows, start, Math.min(BLOCK, count - start));
      // Two more: an image is its own nearest neighbour, and mirrored perhaps the next one.
      return tf.topk(tf.matMul(block, both, false, true), Math.min(NEIGHBOURS + 2, 2 * count));
    });
    const [correlations, columns] = [values.dataSync(), indices.dataSync()];
    const k = columns.length / values.shape[0];
    for (const [i, column] of columns.entries()) {
      const [row, other, isMirrored] = [start + Math.floor(i / k), column % count, column >= count];
      if (row === other || (correlations[i] as number) < CANDIDATE) continue;
      const pair = { a: Math.min(row, other), b: Math.max(row, other), isMirrored };
      found.set(JSON.stringify(pair), pair);
    }
    tf.dispose([values, indices]);
  }
  tf.dispose([rows, both]);
  return [...found.values()].toSorted((p, q) => Number(p.isMirrored) - Number(q.isMirrored));
}

/** (n,192): every channel minus its mean, rows of length 1, so that inner products are correlations; 0 if of one colour. */
function normalised(thumbnails: readonly Float32Array[]): Tensor2D {
  const [rows, width] = [thumbnails.length, 8 * 8 * 3];
  const values = new Float32Array(rows * width);
  for (const [row, thumbnail] of thumbnails.entries()) values.set(thumbnail, row * width);
  const pixels = tf.tensor3d(values, [rows, 8 * 8, 3]);
  const centred = tf.sub(pixels, tf.mean(pixels, 1, true)).reshape<Tensor2D>([rows, width]);
  const length = tf.norm(centred, 'euclidean', 1, true);
  return centred.div(length.maximum(1e-9)).mul(length.greater(FLAT * Math.sqrt(width)));
}

/** Candidates whose images are the same when one is laid over the other. */
async function verified(
  images: readonly Picture[],
  candidates: readonly Candidate[],
): Promise<NearDuplicate[]> {
  const rows = new Set(candidates.flatMap(({ a, b }) => [a, b]));
  const decoded = await decodedAt(
    images.filter((_, row) => rows.has(row)),
    SIZE,
  );
  const found = new Map<string, NearDuplicate>();
  for (const { a, b, isMirrored } of candidates) {
    const [one, other] = [a, b].map((row) => decoded.get(images[row] as Picture));
    if (one === undefined || other === undefined || found.has(`${a} ${b}`)) continue;
    const [p, q] = [pyramid(one, SIZE), pyramid(other, SIZE)];
    // A crop is found sooner in one direction than in the other.
    let similarity = alignedCorrelation(p, q, isMirrored);
    if (similarity < SAME) similarity = alignedCorrelation(q, p, isMirrored);
    if (similarity < SAME) continue;
    found.set(`${a} ${b}`, { a, b, similarity: Math.min(ALMOST, similarity), isMirrored });
  }
  return [...found.values()];
}
