/**
 * Which rows can be the nearest of their class, told from products in float32. An exact search then needs to look at these alone: what is
 * left out is shown to be farther than what is found, whatever the rounding.
 *
 * A sum of n products in float32, in any order and with or without fused multiply-adds, differs from the exact one by at most
 * g |a| |b|, g = n u / (1 - n u), u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1 and 3.5, with
 * Cauchy-Schwarz), and n times the smallest normal number where results are too small for one.
 */
import { type Labelled, type GalleryDistance } from './gallery.ts';

type Measured = Labelled & { readonly distance: GalleryDistance };

/** What all queries need of a gallery. */
export interface RowNorms {
  /** |row|^2 and |row|, of each row. */
  readonly squared: Float64Array;
  readonly plain: Float64Array;
  readonly largest: number;
}

const UNIT_ROUNDOFF = 2 ** -24;
const SMALLEST_NORMAL = 2 ** -126;
/** For the arithmetic in float64, here and in the exact search: 32 times what n roundings can come to. */
const FLOAT64_SLACK = 2 ** -48;
/** Beyond, a sum in float32 could be infinite. */
const LARGEST_PRODUCT = 2 ** 120;

/** @param squared |row|^2 of each row */
export function rowNormsOf(squared: Float64Array): RowNorms {
  const plain = squared.map(Math.sqrt);
  return { squared, plain, largest: plain.reduce((most, norm) => Math.max(most, norm), 0) };
}

export interface Asked {
  /** |query|^2 */
  readonly queryNorm: number;
  /** For each row, its product with the query in float32. */
  readonly products: Float32Array;
  /** Distances up to this one count as 0. */
  readonly zero: number;
  /** How many of the nearest classes are wanted. */
  readonly top: number;
}

/**
 * The rows among which the nearest row of each of the `top` nearest classes is; all rows that could share that place with it are among them.
 * @returns null when the products cannot be relied on
 */
export function candidateRows(
  gallery: Measured,
  norms: RowNorms,
  classIds: Int32Array,
  asked: Asked,
): number[] | null {
  const { queryNorm, products, zero, top } = asked;
  if (norms.largest * Math.sqrt(queryNorm) > LARGEST_PRODUCT) return null;
  const scan = gallery.distance === 'cosine' ? scanCosine : scanEuclidean;
  const limits = new Limits(top, zero);
  scan(gallery.dimensions, norms, queryNorm, products, (row, least, most) =>
    limits.take(row, classIds[row] as number, least, most),
  );
  return limits.rows();
}

/** How far classes can be at most, as far as rows were seen; and the rows that were not too far when they were seen. */
class Limits {
  readonly #zero: number;
  readonly #top: number;
  readonly #farthest = new Map<number, number>();
  /** The `top` nearest classes by how far they can be at most, nearest first. */
  readonly #nearest: number[] = [];
  readonly #seen: { readonly row: number; readonly id: number; readonly least: number }[] = [];
  #limit = Infinity;

  constructor(top: number, zero: number) {
    this.#top = top;
    this.#zero = zero;
  }

  /** @returns the distance beyond which no row can be wanted any more */
  take(row: number, id: number, least: number, most: number): number {
    const before = this.#farthest.get(id) ?? Infinity;
    if (least <= Math.max(this.#zero, before)) this.#seen.push({ row, id, least });
    if (most < before) {
      this.#farthest.set(id, most);
      if (this.#top !== Infinity) this.#place(id, most);
    }
    return this.#limit;
  }

  rows(): number[] {
    return this.#seen
      .filter(({ id, least }) => least <= this.#limit && least <= this.#limitOf(id))
      .map(({ row }) => row);
  }

  #limitOf(id: number): number {
    return Math.max(this.#zero, this.#farthest.get(id) ?? Infinity);
  }

  #place(id: number, most: number): void {
    const at = this.#nearest.indexOf(id);
    if (at >= 0) this.#nearest.splice(at, 1);
    let place = this.#nearest.length;
    while (place > 0 && (this.#farthest.get(this.#nearest[place - 1] as number) as number) > most) place--;
    this.#nearest.splice(place, 0, id);
    if (this.#nearest.length > this.#top) this.#nearest.pop();
    if (this.#nearest.length === this.#top) this.#limit = this.#limitOf(this.#nearest.at(-1) as number);
  }
}

/** Takes a row that is at least and at most so far, and says beyond which distance none is wanted. */
type Take = (row: number, least: number, most: number) => number;

/** |q - r|^2 = |q|^2 + |r|^2 - 2 q.r */
function scanEuclidean(
  dimensions: number,
  { squared, plain }: RowNorms,
  queryNorm: number,
  products: Float32Array,
  take: Take,
): void {
  const slack = (dimensions + 16) * FLOAT64_SLACK;
  const byNorm = 2 * errorOf(dimensions) * Math.sqrt(queryNorm);
  const always = slack * queryNorm + 2 * dimensions * SMALLEST_NORMAL;
  let limit = Infinity;
  for (let row = 0; row < products.length; row++) {
    const norm = squared[row] as number;
    const estimate = queryNorm + norm - 2 * (products[row] as number);
    const margin = byNorm * (plain[row] as number) + slack * norm + always;
    if (estimate - margin <= limit) limit = take(row, estimate - margin, estimate + margin);
  }
}

/** 1 - q.r / (|q| |r|), and 1 where one of them has no direction. */
function scanCosine(
  dimensions: number,
  { plain }: RowNorms,
  queryNorm: number,
  products: Float32Array,
  take: Take,
): void {
  const always = errorOf(dimensions) + (dimensions + 16) * FLOAT64_SLACK;
  const length = Math.sqrt(queryNorm);
  let limit = Infinity;
  for (let row = 0; row < products.length; row++) {
    const norms = length * (plain[row] as number);
    const estimate = norms === 0 ? 1 : 1 - (products[row] as number) / norms;
    const margin = norms === 0 ? 0 : always + (dimensions * SMALLEST_NORMAL) / norms;
    if (estimate - margin <= limit) limit = take(row, estimate - margin, estimate + margin);
  }
}

/** By how much of |a| |b| a product in float32 may be wrong. */
function errorOf(dimensions: number): number {
  return (dimensions * UNIT_ROUNDOFF) / (1 - dimensions * UNIT_ROUNDOFF);
}
