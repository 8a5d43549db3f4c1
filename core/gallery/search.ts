import { InvalidInputError } from '../errors.ts';
import { checkEmbeddings, classNames, compareText, type GalleryDistance, type Labelled } from './gallery.ts';
import { candidateRows, rowNormsOf, type Estimates, type RowNorms } from './candidates.ts';
import { type Kernel, plainKernel } from './kernel.ts';

/** What can be searched: a gallery, or any labelled embeddings with a distance. */
export type Searchable = Labelled & { readonly distance: GalleryDistance };

/** A row near a query. Equal distances are ordered by key, so an answer never depends on the order of the rows. */
export interface Neighbour {
  readonly row: number;
  readonly key: string;
  readonly class: string;
  readonly distance: number;
}

/** Exact search over all rows. Made once per gallery: it keeps what all queries need. */
export interface Search {
  readonly gallery: Searchable;
  /** Sorted class names; `classIds[row]` is an index into them. */
  readonly classes: readonly string[];
  readonly classIds: Int32Array;

  /**
   * Calls `visit` for each query (m x dimensions, row-major) in order, with its distances to all rows.
   * @throws InvalidInputError when the numbers do not fit or are not finite
   */
  forEach(queries: Float32Array, visit: (query: number, distances: Float64Array) => void): void;

  /** The distances of one query to all rows. */
  distances(query: Float32Array): Float64Array;

  /** The `k` nearest rows, nearest first; all of them when there are fewer. */
  nearest(query: Float32Array, k: number): Neighbour[];

  /**
   * The nearest row of each class, the nearest class first; of `top` classes at most.
   * @param estimates of the rows' products with the query, where there are some: the answer is the same, and found faster
   */
  nearestPerClass(query: Float32Array, top?: number, estimates?: Estimates): Neighbour[];
}

// A block of rows (of 256 dimensions: 1 MB) stays in a core's cache while all queries of a block pass over it.
const BLOCK_NUMBERS = 262_144;
const BLOCK_QUERIES = 8;

/**
 * Squared distances below this share of the query's squared length are 0. An engine rounds a picture's embedding
 * differently in batches of different sizes, by up to about 1e-5 of its length; a picture is still at distance 0 of itself.
 */
const ROUNDING = 1e-9;

/** Prepares a gallery for searching. */
export function createSearch(gallery: Searchable, kernel: Kernel = plainKernel): Search {
  const classes = classNames(gallery);
  const idOf = new Map(classes.map((name, id) => [name, id]));
  const classIds = Int32Array.from(gallery.classes, (name) => idOf.get(name) ?? -1);
  const measure = createMeasure(gallery, kernel);

  function forEach(queries: Float32Array, visit: (query: number, distances: Float64Array) => void): void {
    const { dimensions } = gallery;
    const count = Math.ceil(queries.length / dimensions);
    checkEmbeddings(queries, count, dimensions);
    for (let first = 0; first < count; first += BLOCK_QUERIES) {
      const block = queries.subarray(first * dimensions, (first + BLOCK_QUERIES) * dimensions);
      for (const [i, found] of measure(block).entries()) visit(first + i, found);
    }
  }

  function distances(query: Float32Array): Float64Array {
    checkEmbeddings(query, 1, gallery.dimensions);
    return measure(query)[0] ?? new Float64Array(0);
  }

  let norms: RowNorms | undefined;
  /** The rows that have to be looked at. */
  function candidates(query: Float32Array, top: number, estimates: Estimates): number[] {
    checkEmbeddings(query, 1, gallery.dimensions);
    if (estimates.rows !== classIds.length) {
      throw new InvalidInputError(
        `There are ${estimates.rows} products for ${classIds.length} rows: they are another gallery's.`,
      );
    }
    norms ??= rowNormsOf(squaredNorms(gallery.embeddings, gallery.dimensions));
    const queryNorm = squaredNorms(query, gallery.dimensions)[0] ?? 0;
    const zero = gallery.distance === 'cosine' ? ROUNDING : ROUNDING * queryNorm;
    return candidateRows(gallery, norms, classIds, { queryNorm, estimates, zero, top });
  }

  function nearestOfAll(query: Float32Array): Neighbour[] {
    const found = distances(query);
    const rows = nearestRowPerClass(gallery, classIds, classes.length, found).filter((row) => row >= 0);
    return toNeighbours(gallery, rows, found).sort(compareNeighbours);
  }

  return {
    gallery,
    classes,
    classIds,
    forEach,
    distances,
    nearest: (query, k) => {
      checkCount(k, 'k');
      const found = distances(query);
      return toNeighbours(gallery, nearestRows(gallery, found, k), found);
    },
    nearestPerClass: (query, top = Infinity, estimates) => {
      if (top !== Infinity) checkCount(top, 'top');
      if (estimates === undefined) return nearestOfAll(query).slice(0, top);
      const rows = candidates(query, top, estimates);
      const found = createSearch(rowsOf(gallery, rows), kernel).nearestPerClass(query, top);
      return found.map((one) => ({ ...one, row: rows[one.row] as number }));
    },
  };
}

/** Some rows alone. */
function rowsOf(gallery: Searchable, rows: readonly number[]): Searchable {
  const { dimensions, keys, classes, embeddings, distance } = gallery;
  const chosen = new Float32Array(rows.length * dimensions);
  for (const [i, row] of rows.entries()) {
    chosen.set(embeddings.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  }
  return {
    dimensions,
    distance,
    keys: rows.map((row) => keys[row] ?? ''),
    classes: rows.map((row) => classes[row] ?? ''),
    embeddings: chosen,
  };
}

/** Nearer first, then by key. */
export function compareNeighbours(a: Neighbour, b: Neighbour): number {
  return a.distance - b.distance || compareText(a.key, b.key);
}

/** The rows of the `k` smallest distances, nearest first, ties by key; `skip` is left out. */
export function nearestRows(gallery: Labelled, distances: Float64Array, k: number, skip = -1): number[] {
  const rows: number[] = [];
  let worst = Infinity;
  for (let row = 0; row < distances.length; row++) {
    const distance = distances[row] as number;
    if (row === skip || distance > worst) continue;
    const at = insertionPoint(gallery, distances, rows, row);
    if (at >= k) continue;
    rows.splice(at, 0, row);
    if (rows.length > k) rows.pop();
    if (rows.length === k) worst = distances[rows[k - 1] as number] as number;
  }
  return rows;
}

/** For each class the row of its smallest distance, ties by key, or -1 where every row is skipped. */
export function nearestRowPerClass(
  gallery: Labelled,
  classIds: Int32Array,
  classCount: number,
  distances: Float64Array,
  skip: (row: number) => boolean = () => false,
): number[] {
  const best = Array.from({ length: classCount }, () => -1);
  for (let row = 0; row < distances.length; row++) {
    const id = classIds[row] as number;
    const current = best[id] as number;
    if (current >= 0 && (distances[row] as number) > (distances[current] as number)) continue;
    if (skip(row)) continue;
    if (current < 0 || compareRows(gallery, distances, row, current) < 0) best[id] = row;
  }
  return best;
}

function insertionPoint(gallery: Labelled, distances: Float64Array, rows: number[], row: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareRows(gallery, distances, rows[middle] as number, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareRows(gallery: Labelled, distances: Float64Array, a: number, b: number): number {
  const difference = (distances[a] as number) - (distances[b] as number);
  return difference || compareText(gallery.keys[a] ?? '', gallery.keys[b] ?? '');
}

function toNeighbours(gallery: Labelled, rows: readonly number[], distances: Float64Array): Neighbour[] {
  return rows.map((row) => ({
    row,
    key: gallery.keys[row] ?? '',
    class: gallery.classes[row] ?? '',
    distance: distances[row] ?? Infinity,
  }));
}

function checkCount(count: number, what: string): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidInputError(`${what} is a whole number of at least 1, not ${count}.`);
  }
}

/** A function that gives, for each query of a small block, its distances to all rows. */
function createMeasure(gallery: Searchable, kernel: Kernel): (queries: Float32Array) => Float64Array[] {
  const { dimensions, embeddings, distance } = gallery;
  const rows = gallery.keys.length;
  const blockRows = Math.max(1, Math.floor(BLOCK_NUMBERS / dimensions));
  const tile = new Float64Array(Math.min(blockRows, rows) * BLOCK_QUERIES);
  const rowNorms = distance === 'cosine' ? squaredNorms(embeddings, dimensions) : null;

  return (queries) => {
    const count = queries.length / dimensions;
    const found = Array.from({ length: count }, () => new Float64Array(rows));
    const queryNorms = squaredNorms(queries, dimensions);
    for (let first = 0; first < rows; first += blockRows) {
      const block = embeddings.subarray(first * dimensions, (first + blockRows) * dimensions);
      const size = block.length / dimensions;
      if (rowNorms === null) kernel.squaredDistances(queries, block, dimensions, tile);
      else kernel.products(queries, block, dimensions, tile);
      for (const [i, distances] of found.entries()) {
        const values = tile.subarray(i * size, (i + 1) * size);
        const queryNorm = queryNorms[i] as number;
        if (rowNorms === null) dropRounding(values, ROUNDING * queryNorm);
        else toCosineDistances(values, queryNorm, rowNorms.subarray(first, first + size));
        distances.set(values, first);
      }
    }
    return found;
  };
}

function dropRounding(distances: Float64Array, least: number): void {
  for (let j = 0; j < distances.length; j++) if ((distances[j] as number) <= least) distances[j] = 0;
}

/** 1 - a.b / (|a| |b|) in place, at least 0. A vector of zeros has no direction: its distance to everything is 1. */
function toCosineDistances(products: Float64Array, queryNorm: number, rowNorms: Float64Array): void {
  for (let j = 0; j < products.length; j++) {
    const norms = Math.sqrt(queryNorm * (rowNorms[j] as number));
    products[j] = norms === 0 ? 1 : Math.max(0, 1 - (products[j] as number) / norms);
  }
  dropRounding(products, ROUNDING);
}

function squaredNorms(matrix: Float32Array, dimensions: number): Float64Array {
  const norms = new Float64Array(matrix.length / dimensions);
  for (let row = 0; row < norms.length; row++) {
    let sum = 0;
    for (let i = row * dimensions; i < (row + 1) * dimensions; i++) sum += (matrix[i] as number) ** 2;
    norms[row] = sum;
  }
  return norms;
}
