import { tf } from '../../network/tensorflow.ts';
import type { Distance } from '../distances/distance.ts';
import type { LossInput } from './loss.ts';
import type { Reduction } from './options.ts';

/**
 * For each triplet how much farther the positive is than the negative: d(A,P) - d(A,N), or with a similarity
 * s(A,N) - s(A,P). [t], below zero where the triplet is in order.
 */
export function violations({ embeddings, triplets, distance }: LossInput): tf.Tensor1D {
  const { anchors, positives, negatives } = triplets;
  const rows = embeddings.shape[0];
  let positive: tf.Tensor1D;
  let negative: tf.Tensor1D;
  if (anchors.length > rows) {
    const matrix = distance.pairwise(embeddings, embeddings);
    positive = entries(matrix, anchors, positives);
    negative = entries(matrix, anchors, negatives);
  } else {
    const anchor = rowsOf(embeddings, anchors);
    positive = distance.rowwise(anchor, rowsOf(embeddings, positives));
    negative = distance.rowwise(anchor, rowsOf(embeddings, negatives));
  }
  return tf.mul(tf.sub(positive, negative), sign(distance));
}

/** 1, or -1 for a similarity: sign * value is smaller for what is closer. */
export function sign(distance: Distance): 1 | -1 {
  return distance.largerIsCloser ? -1 : 1;
}

/** matrix[rows[k], columns[k]] for each k: [k], differentiable, which tf.gatherND is not. */
export function entries(matrix: tf.Tensor2D, rows: Int32Array, columns: Int32Array): tf.Tensor1D {
  const width = matrix.shape[1];
  const flat = rows.map((row, k) => row * width + (columns[k] as number));
  return tf.gather(tf.reshape(matrix, [-1]), tf.tensor1d(flat, 'int32')) as tf.Tensor1D;
}

function rowsOf(embeddings: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  return tf.gather(embeddings, tf.tensor1d(rows, 'int32'));
}

/** One number from a loss for each triplet or pair; 0 from none. */
export function reduce(losses: tf.Tensor1D, reduction: Reduction): tf.Scalar {
  const sum = tf.sum<tf.Scalar>(losses);
  return reduction === 'sum' ? sum : tf.div(sum, Math.max(1, losses.shape[0]));
}

/** How many of the values are above zero, read back from the device. */
export function countPositive(values: tf.Tensor): number {
  let count = 0;
  for (const value of values.dataSync()) if (value > 0) count++;
  return count;
}
