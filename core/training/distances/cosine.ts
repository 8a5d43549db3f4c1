import { tf } from '../../network/tensorflow.ts';
import { defineDistance } from './distance.ts';
import { unitRows } from './stable.ts';

/** 1 - cos(a, b), in [0, 2]; a zero vector is at distance 1 from everything. */
export const cosine = defineDistance({
  name: 'cosine',
  largerIsCloser: false,
  pairwise: (a, b) => fromCosine(tf.matMul(unitRows(a), unitRows(b), false, true)),
  rowwise: (a, b) => fromCosine(tf.sum(tf.mul(unitRows(a), unitRows(b)), 1)),
});

function fromCosine<T extends tf.Tensor>(similarity: T): T {
  return tf.clipByValue(tf.sub(1, similarity), 0, 2) as T;
}
