import type { Tensor } from '@tensorflow/tfjs-node';
import { tf } from '../../network/tensorflow.ts';

/** The numbers of what is made. A tidy must not give them out itself: it would look for tensors in each of them. */
export function valuesOf(make: () => Tensor): Float32Array {
  const made = tf.tidy(make);
  try {
    return made.dataSync<'float32'>();
  } finally {
    made.dispose();
  }
}
