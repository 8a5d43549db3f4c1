import { InvalidInputError } from '../../errors.ts';
import { tf } from '../../network/tensorflow.ts';

/** How far apart, or how alike, two embeddings are. Differentiable; every gradient is finite wherever the inputs are. */
export interface Distance {
  readonly name: string;
  /** True for a similarity: a larger value means closer. */
  readonly largerIsCloser: boolean;
  /** Each row of `a` [n, d] against each row of `b` [m, d]: [n, m]. */
  pairwise(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D;
  /** Row i of `a` [n, d] against row i of `b` [n, d]: [n]. */
  rowwise(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D;
}

/** Makes a distance from its maths: shapes are checked and intermediate tensors freed here, so that a leaf does neither. */
export function defineDistance(leaf: Distance): Distance {
  const { name, largerIsCloser } = leaf;
  return {
    name,
    largerIsCloser,
    pairwise(a, b) {
      checkMatrices(name, a, b);
      return tf.tidy(() => leaf.pairwise(a, b));
    },
    rowwise(a, b) {
      checkMatrices(name, a, b);
      if (a.shape[0] !== b.shape[0]) {
        throw new InvalidInputError(
          `${name}: row by row needs as many rows on both sides, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]. Use pairwise for every row against every row.`,
        );
      }
      return tf.tidy(() => leaf.rowwise(a, b));
    },
  };
}

function checkMatrices(name: string, a: tf.Tensor, b: tf.Tensor): void {
  if (a.rank === 2 && b.rank === 2 && a.shape[1] === b.shape[1]) return;
  throw new InvalidInputError(
    `${name}: needs embeddings of shapes [n, d] and [m, d] with one d, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}].`,
  );
}
