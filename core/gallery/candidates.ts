/**
 * Which rows can be the nearest of their class, told from estimates of their products with a query. An exact search then needs to look at
 * these alone: what is left out is shown to be farther than what is found.
 */
import { type Labelled, type GalleryDistance } from './gallery.ts';

type Measured = Labelled & { readonly distance: GalleryDistance };

/** Each row's product with a query, about. Functions rather than lists, which would have to be filled and gone through once more. */
export interface Estimates {
  readonly rows: number;
  readonly product: (row: number) => number;
  /** The exact product differs from the estimate by this at most. */
  readonly error: (row: number) => number;
  /** No row's error is larger. */
  readonly largestError: number;
}

/** What all queries need of a gallery: |row|^2 and |row|, of each row. */
export interface RowNorms {
  readonly squared: Float64Array;
  readonly plain: Float64Array;
}

/** For the arithmetic in float64, here and in the exact search: 32 times what n roundings can come to. */
const FLOAT64_SLACK = 2 ** -48;

/** @param squared |row|^2 of each row */
export function rowNormsOf(squared: Float64Array): RowNorms {
  return { squared, plain: squared.map(Math.sqrt) };
}

export interface Asked {
  /** |query|^2 */
  readonly queryNorm: number;
  readonly estimates: Estimates;
  /** Distances up to this one count as 0. */
  readonly zero: number;
  /** How many of the nearest classes are wanted. */
  readonly top: number;
}

/** The rows among which the nearest row of each of the `top` nearest classes is; all rows that could share that place with it are among them. */
export function candidateRows(
  gallery: Measured,
  norms: RowNorms,
  classIds: Int32Array,
  { queryNorm, estimates, zero, top }: Asked,
): number[] {
  const scan = gallery.distance === 'cosine' ? scanCosine : scanEuclidean;
  const limits = new Limits(top, zero);
  const slack = (gallery.dimensions + 16) * FLOAT64_SLACK;
  scan(slack, norms, queryNorm, estimates, (row, least, most) =>
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
  slack: number,
  { squared }: RowNorms,
  queryNorm: number,
  { rows, product, error, largestError }: Estimates,
  take: Take,
): void {
  let limit = Infinity;
  for (let row = 0; row < rows; row++) {
    const norms = queryNorm + (squared[row] as number);
    const estimate = norms - 2 * product(row);
    // Most rows are too far whatever their error.
    if (estimate - (2 * largestError + slack * norms) > limit) continue;
    const margin = 2 * error(row) + slack * norms;
    if (estimate - margin <= limit) limit = take(row, estimate - margin, estimate + margin);
  }
}

/** 1 - q.r / (|q| |r|), and 1 where one of them has no direction. */
function scanCosine(
  slack: number,
  { plain }: RowNorms,
  queryNorm: number,
  { rows, product, error, largestError }: Estimates,
  take: Take,
): void {
  const length = Math.sqrt(queryNorm);
  let limit = Infinity;
  for (let row = 0; row < rows; row++) {
    const norms = length * (plain[row] as number);
    const estimate = norms === 0 ? 1 : 1 - product(row) / norms;
    if (norms !== 0 && estimate - (largestError / norms + slack) > limit) continue;
    const margin = norms === 0 ? 0 : error(row) / norms + slack;
    if (estimate - margin <= limit) limit = take(row, estimate - margin, estimate + margin);
  }
}
