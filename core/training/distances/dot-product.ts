import { tf } from '../../network/tensorflow.ts';
import { defineDistance } from './distance.ts';

/** a . b: a similarity, larger is closer. On embeddings of length 1 it is the cosine. */
export const dotProduct = defineDistance({
  name: 'dot-product',
  largerIsCloser: true,
  pairwise: (a, b) => tf.matMul(a, b, false, true),
  rowwise: (a, b) => tf.sum(tf.mul(a, b), 1),
});
