/** Pairs worth a closer look, among all pairs of thousands of pictures: products of matrices, block by block. */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import { matMul } from '../../network/raw-ops.ts';
import { tf } from '../../network/tensorflow.ts';
import { valuesOf } from './values.ts';

/** Rows `a < b`. */
export interface Candidate {
  readonly a: number;
  readonly b: number;
  /** Whether b may be a as it is, and whether it may be a mirrored. */
  readonly mayBe: { readonly straight: boolean; readonly mirrored: boolean };
}

export interface Thumbnail {
  readonly as: Float32Array;
  readonly mirrored: Float32Array;
}

/** Least correlation of thumbnails. */
const CLOSE = 0.85;
/** Least cosine of features: saved small or badly, drawings lose a fifth of it. */
const ALIKE = 0.8;
/** Each picture's closest so many: a data set of one background must not make everything a candidate. */
const MOST = 8;
const BLOCK = 1024;

type Scored = Candidate & { readonly score: number };

/**
 * @param thumbnails of unit length; null takes part in no pair
 * @param features (n,d), rows of unit length; null: not known yet, so that more pairs are worth a look
 */
export function candidatesOf(
  thumbnails: readonly (Thumbnail | null)[],
  features: Tensor2D | null,
): Candidate[] {
  const closest = thumbnails.map((): Scored[] => []);
  for (let top = 0; top < thumbnails.length; top += BLOCK) {
    for (let left = top; left < thumbnails.length; left += BLOCK) {
      for (const pair of inBlock(thumbnails, features, top, left)) {
        keep(closest[pair.a] as Scored[], pair);
        keep(closest[pair.b] as Scored[], pair);
      }
    }
  }
  return [...new Set(closest.flat())];
}

/** Keeps the best {@link MOST}, best first. */
function keep(list: Scored[], pair: Scored): void {
  if (list.length === MOST && pair.score <= (list.at(-1) as Scored).score) return;
  list.push(pair);
  list.sort((p, q) => q.score - p.score).splice(MOST);
}

function* inBlock(
  thumbnails: readonly (Thumbnail | null)[],
  features: Tensor2D | null,
  top: number,
  left: number,
): Generator<Scored> {
  const rows = thumbnails.slice(top, top + BLOCK);
  const columns = thumbnails.slice(left, left + BLOCK);
  const straight = products(
    rows.map((each) => each?.as),
    columns.map((each) => each?.as),
  );
  const turned = products(
    rows.map((each) => each?.as),
    columns.map((each) => each?.mirrored),
  );
  const cosines = features && cosinesOf(features, top, left);
  for (let i = 0; i < rows.length; i++) {
    for (let j = top === left ? i + 1 : 0; j < columns.length; j++) {
      const at = i * columns.length + j;
      const score = Math.max(straight[at] as number, turned[at] as number);
      if (score < CLOSE || (cosines?.[at] ?? 1) < ALIKE) continue;
      const mayBe = {
        straight: (straight[at] as number) >= CLOSE,
        mirrored: (turned[at] as number) >= CLOSE,
      };
      yield { a: top + i, b: left + j, mayBe, score };
    }
  }
}

/** (rows, columns), row-major; zero where a row is missing. */
function products(
  rows: readonly (Float32Array | undefined)[],
  columns: readonly (Float32Array | undefined)[],
): Float32Array {
  const width = [...rows, ...columns].find((row) => row !== undefined)?.length ?? 0;
  if (width === 0) return new Float32Array(rows.length * columns.length);
  return valuesOf(() => matMul(matrixOf(rows, width), matrixOf(columns, width), false, true));
}

function matrixOf(rows: readonly (Float32Array | undefined)[], width: number): Tensor2D {
  const values = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) if (row !== undefined) values.set(row, i * width);
  return tf.tensor2d(values, [rows.length, width]);
}

/** (rows, columns) of a block, row-major. */
function cosinesOf(features: Tensor2D, top: number, left: number): Float32Array {
  const block = (start: number): Tensor2D =>
    tf.slice(features, start, Math.min(BLOCK, features.shape[0] - start));
  return valuesOf(() => matMul(block(top), block(left), false, true));
}
