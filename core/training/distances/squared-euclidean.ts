import { tf } from '../../network/tensorflow.ts';
import { defineDistance } from './distance.ts';

/** |a - b|^2, never negative. The distance of the original siamese network and of FaceNet (Schroff et al. 2015). */
export const squaredEuclidean = defineDistance({
  name: 'squared-euclidean',
  largerIsCloser: false,

  /** As |a|^2 - 2 a.b + |b|^2 around the mean of `b`: the shift changes no distance, and small differences of long vectors keep their digits. */
  pairwise(a, b) {
    const centre = tf.div(tf.sum(b, 0, true), Math.max(1, b.shape[0]));
    const [x, y] = [tf.sub<tf.Tensor2D>(a, centre), tf.sub<tf.Tensor2D>(b, centre)];
    const lengths = tf.add(tf.sum(tf.square(x), 1, true), tf.transpose(tf.sum(tf.square(y), 1, true)));
    return tf.relu(tf.sub(lengths, tf.mul(2, tf.matMul(x, y, false, true))));
  },

  rowwise: (a, b) => tf.sum(tf.squaredDifference(a, b), 1),
});
