/**
 * The arithmetic of a search: all pairs of the rows of two matrices. The search works on blocks, so a kernel sees a few queries and at most some
 * thousand rows at a time. Another kernel (a native matrix product, say) can take this one's place if it is as exact: equal rows must come out
 * at distance 0, and a pair's result must not depend on the rows around it.
 */
export interface Kernel {
  /** out[i * rows + j] = sum over d of (a[i,d] - b[j,d])^2, where `rows` is the number of rows of b. */
  squaredDistances(a: Float32Array, b: Float32Array, dimensions: number, out: Float64Array): void;
  /** out[i * rows + j] = sum over d of a[i,d] * b[j,d]. */
  products(a: Float32Array, b: Float32Array, dimensions: number, out: Float64Array): void;
}

/**
 * Plain loops over four rows of b at once, which keeps four independent sums going. Every pair is summed in float64 and in the order of
 * the dimensions.
 */
export const plainKernel: Kernel = {
  squaredDistances(a, b, dimensions, out) {
    const [aRows, bRows] = [a.length / dimensions, b.length / dimensions];
    const last = (bRows - 1) * dimensions;
    for (let i = 0; i < aRows; i++) {
      const a0 = i * dimensions;
      for (let j = 0; j < bRows; j += 4) {
        const b0 = j * dimensions;
        const b1 = Math.min(b0 + dimensions, last);
        const b2 = Math.min(b1 + dimensions, last);
        const b3 = Math.min(b2 + dimensions, last);
        let s0 = 0;
        let s1 = 0;
        let s2 = 0;
        let s3 = 0;
        for (let d = 0; d < dimensions; d++) {
          const x = a[a0 + d] as number;
          const y0 = x - (b[b0 + d] as number);
          const y1 = x - (b[b1 + d] as number);
          const y2 = x - (b[b2 + d] as number);
          const y3 = x - (b[b3 + d] as number);
          s0 += y0 * y0;
          s1 += y1 * y1;
          s2 += y2 * y2;
          s3 += y3 * y3;
        }
        store(out, i * bRows, j, bRows, s0, s1, s2, s3);
      }
    }
  },

  products(a, b, dimensions, out) {
    const [aRows, bRows] = [a.length / dimensions, b.length / dimensions];
    const last = (bRows - 1) * dimensions;
    for (let i = 0; i < aRows; i++) {
      const a0 = i * dimensions;
      for (let j = 0; j < bRows; j += 4) {
        const b0 = j * dimensions;
        const b1 = Math.min(b0 + dimensions, last);
        const b2 = Math.min(b1 + dimensions, last);
        const b3 = Math.min(b2 + dimensions, last);
        let s0 = 0;
        let s1 = 0;
        let s2 = 0;
        let s3 = 0;
        for (let d = 0; d < dimensions; d++) {
          const x = a[a0 + d] as number;
          s0 += x * (b[b0 + d] as number);
          s1 += x * (b[b1 + d] as number);
          s2 += x * (b[b2 + d] as number);
          s3 += x * (b[b3 + d] as number);
        }
        store(out, i * bRows, j, bRows, s0, s1, s2, s3);
      }
    }
  },
};

/** Keeps the sums of rows j .. j + 3, as far as there are so many. */
function store(
  out: Float64Array,
  offset: number,
  j: number,
  rows: number,
  s0: number,
  s1: number,
  s2: number,
  s3: number,
): void {
  const at = offset + j;
  out[at] = s0;
  if (j + 1 < rows) out[at + 1] = s1;
  if (j + 2 < rows) out[at + 2] = s2;
  if (j + 3 < rows) out[at + 3] = s3;
}
