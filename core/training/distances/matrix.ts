import type { tf } from '../../network/tensorflow.ts';
import type { Distance } from './distance.ts';

/** All distances within one set of embeddings as plain numbers, for miners. */
export interface DistanceMatrix {
  /** How many embeddings. */
  readonly size: number;
  /** Row-major: the distance from row i to row j is values[i * size + j]. */
  readonly values: Float32Array;
  /** True for a similarity: a larger value means closer. */
  readonly largerIsCloser: boolean;
}

/** The distances between all rows of `embeddings` [n, d], read back from the device. */
export function distanceMatrix(distance: Distance, embeddings: tf.Tensor2D): DistanceMatrix {
  const pairwise = distance.pairwise(embeddings, embeddings);
  const values = pairwise.dataSync<'float32'>();
  pairwise.dispose();
  return { size: embeddings.shape[0], values, largerIsCloser: distance.largerIsCloser };
}
