/** Products of a matrix of small whole numbers with vectors, computed by ONNX Runtime in a thread of its own. */
import { PRODUCTS, VECTORS, matrixProductModel } from '../network/onnx/matrix-product.ts';
import { openOnnx } from './onnx-session.ts';

export { ZERO } from '../network/onnx/matrix-product.ts';

export interface MatrixProduct {
  /**
   * @param vectors (count, rows), row-major, where {@link ZERO} stands for 0; given away
   * @returns (count, columns), exact
   * @throws EngineFailedError when it was closed, or the thread has ended
   */
  products(vectors: Uint8Array): Promise<Int32Array>;
  /** What is under way still ends well; then the memory is given back. */
  close(): void;
}

/**
 * @param matrix (rows, columns), row-major. From -63 to 63: without instructions for dot products, processors add pairs in 16 bits.
 * @param count of the vectors that come together
 */
export async function openMatrixProduct(
  matrix: Int8Array,
  rows: number,
  count: number,
): Promise<MatrixProduct> {
  const session = await openOnnx(matrixProductModel(matrix, rows, count), {
    what: 'The product of a matrix with vectors',
    given: true,
  });
  return {
    async products(vectors) {
      const feed = { data: vectors, shape: [count, rows], type: 'uint8' } as const;
      return (await session.run({ [VECTORS]: feed }, PRODUCTS)) as Int32Array;
    },
    close: () => session.close(),
  };
}
