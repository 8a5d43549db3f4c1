/** Products of many rows with one vector, computed by ONNX Runtime in a thread of its own. */
import { MATRIX, PRODUCTS, VECTOR, matrixProductModel } from '../network/onnx/matrix-product.ts';
import { openOnnx } from './onnx-session.ts';

export interface MatrixProduct {
  /**
   * @param vector as many numbers as a row has; it is copied
   * @returns for each row the sum of its products with the vector's numbers, summed in float32 in any order
   * @throws EngineFailedError when it was closed, or the thread has ended
   */
  products(vector: Float32Array): Promise<Float32Array>;
  /** What is under way still ends well; then the memory is given back. */
  close(): void;
}

/** @param matrix (rows, columns), row-major; the thread keeps a copy, column after column, which is faster to go through */
export async function openMatrixProduct(matrix: Float32Array, columns: number): Promise<MatrixProduct> {
  const rows = matrix.length / columns;
  const session = await openOnnx(matrixProductModel(), {
    what: 'The product of a matrix with a vector',
    held: { [MATRIX]: { data: matrix, shape: [columns, rows], stored: 'by-columns' } },
  });
  return {
    products: (vector) =>
      session.run({ [VECTOR]: { data: vector.slice(), shape: [1, columns] } }, PRODUCTS, [1, rows]),
    close: () => session.close(),
  };
}
