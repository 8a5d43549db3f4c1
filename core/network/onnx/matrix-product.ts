/** The product of a vector with a matrix, as an ONNX model: what a library for networks does fast whatever the machine. */
import { modelOf, node, valueInfo } from './model.ts';

export const MATRIX = 'matrix';
export const VECTOR = 'vector';
export const PRODUCTS = 'products';

/** A model from (1, n) and (n, m) to (1, m), of any size. */
export function matrixProductModel(): Uint8Array {
  const model = modelOf(
    {
      nodes: [node('MatMul', [VECTOR, MATRIX], PRODUCTS, {})],
      initializers: [],
      inputs: [valueInfo(VECTOR, [1, 'n']), valueInfo(MATRIX, ['n', 'm'])],
      output: valueInfo(PRODUCTS, [1, 'm']),
    },
    {},
  );
  return Buffer.concat([...model.pieces()]);
}
