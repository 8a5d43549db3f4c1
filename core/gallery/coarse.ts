/**
 * A gallery in whole numbers of 7 bits, and its products with queries: much less memory to go through than the gallery's own numbers. How far
 * each row is from its whole numbers is known, so that how wrong a product can be is known, too.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { ZERO, openMatrixProduct } from '../embedding/matrix-product.ts';
import type { Estimates } from './candidates.ts';
import type { Labelled } from './gallery.ts';

export interface Coarse {
  /** @throws EngineFailedError when it was closed, or the thread has ended */
  estimates(query: Float32Array): Promise<Estimates>;
  /** Gives the memory back. */
  close(): void;
}

/** The largest whole number of a row; see {@link openMatrixProduct}. */
const LARGEST = 63;
/** A query is written as two vectors of these, the second of what the first leaves over. */
const LARGEST_IN_QUERY = 127;
/** Rows after which others get a turn. */
const AT_ONCE = 2048;
/** For sums in float64. */
const ROUNDED_UP = 1 + 2 ** -30;

interface Quantized {
  /** (dimensions, rows). */
  readonly numbers: Int8Array;
  /** Row i is about numbers * scales[i]. */
  readonly scales: Float64Array;
  /** |row - numbers * scale|. */
  readonly errors: Float64Array;
  /** The longest of the rows as they are written. */
  readonly longest: number;
}

/** Makes it; the gallery itself is not kept. */
export async function openCoarse(gallery: Labelled): Promise<Coarse> {
  const { dimensions } = gallery;
  const { numbers, scales, errors, longest } = await quantized(gallery);
  const largestError = errors.reduce((a, b) => Math.max(a, b), 0);
  const product = await openMatrixProduct(numbers, dimensions, 2);
  return {
    async estimates(query) {
      const { vectors, scale, error, length } = writtenQuery(query);
      const sums = await product.products(vectors);
      const rows = scales.length;
      return {
        rows,
        product: (row) => {
          const sum = (sums[row] as number) + (sums[rows + row] as number) / (2 * LARGEST_IN_QUERY);
          return sum * scale * (scales[row] as number);
        },
        // q.r - q'.r' = q.(r - r') + (q - q').r'
        error: (row) => (length * (errors[row] as number) + error * longest) * ROUNDED_UP,
        largestError: (length * largestError + error * longest) * ROUNDED_UP,
      };
    },
    close: () => product.close(),
  };
}

async function quantized({ embeddings, dimensions }: Labelled): Promise<Quantized> {
  const rows = embeddings.length / dimensions;
  const numbers = new Int8Array(embeddings.length);
  const [scales, errors] = [new Float64Array(rows), new Float64Array(rows)];
  let longest = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * dimensions;
    const scale = largestOf(embeddings, start, start + dimensions) / LARGEST;
    let [error, length] = [0, 0];
    for (let d = 0; d < dimensions; d++) {
      const value = embeddings[start + d] as number;
      const number = scale === 0 ? 0 : Math.round(value / scale);
      numbers[d * rows + row] = number;
      error += (value - number * scale) ** 2;
      length += (number * scale) ** 2;
    }
    scales[row] = scale;
    errors[row] = Math.sqrt(error) * ROUNDED_UP;
    longest = Math.max(longest, Math.sqrt(length) * ROUNDED_UP);
    if (row % AT_ONCE === AT_ONCE - 1) await turn();
  }
  return { numbers, scales, errors, longest };
}

/** The query is about scale * (first + second / 254), of the two vectors. */
function writtenQuery(query: Float32Array) {
  const scale = largestOf(query, 0, query.length) / LARGEST_IN_QUERY;
  const vectors = new Uint8Array(2 * query.length).fill(ZERO);
  let [error, length] = [0, 0];
  for (const [d, value] of query.entries()) {
    const first = scale === 0 ? 0 : Math.round(value / scale);
    const second = scale === 0 ? 0 : Math.round((value / scale - first) * 2 * LARGEST_IN_QUERY);
    vectors[d] = ZERO + first;
    vectors[query.length + d] = ZERO + second;
    error += (value - scale * (first + second / (2 * LARGEST_IN_QUERY))) ** 2;
    length += value ** 2;
  }
  return { vectors, scale, error: Math.sqrt(error), length: Math.sqrt(length) };
}

function largestOf(values: Float32Array, start: number, end: number): number {
  let largest = 0;
  for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  return largest;
}
