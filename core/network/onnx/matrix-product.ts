/** The product of vectors with a matrix of small whole numbers, as an ONNX model: what a library for networks does fast. */
import { modelOf, node, tensor, valueInfo } from './model.ts';

export const VECTORS = 'vectors';
export const PRODUCTS = 'products';

/** What stands for 0 in the vectors. */
export const ZERO = 128;

/**
 * A model from (count, rows) to (count, columns), exact in whole numbers of 32 bits.
 * @param matrix (rows, columns), row-major
 */
export function matrixProductModel(matrix: Int8Array, rows: number, count: number): Uint8Array {
  const columns = matrix.length / rows;
  const bytes = new Uint8Array(matrix.buffer, matrix.byteOffset, matrix.length);
  const model = modelOf(
    {
      nodes: [node('MatMulInteger', [VECTORS, 'matrix', 'zero'], PRODUCTS, {})],
      initializers: [
        tensor('matrix', [rows, columns], 'int8', { length: bytes.length, pieces: () => [bytes] }),
        tensor('zero', [], 'uint8', { length: 1, pieces: () => [Uint8Array.of(ZERO)] }),
      ],
      inputs: [valueInfo(VECTORS, [count, rows], 'uint8')],
      output: valueInfo(PRODUCTS, [count, columns], 'int32'),
    },
    {},
  );
  return new Uint8Array(Buffer.concat([...model.pieces()]));
}
