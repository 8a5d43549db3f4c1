import type { Tensor } from '@tensorflow/tfjs-node';
import type { Pixels } from '../images/pixels.ts';
import { tf } from './tensorflow.ts';

/** Pictures of one size -> float32 (N, height, width, 3), 0..255. */
export function pixelTensor(batch: readonly Pixels[]): Tensor {
  const { width, height } = batch[0] as Pixels;
  const numbers = new Float32Array(batch.length * width * height * 3);
  for (const [i, { data }] of batch.entries()) numbers.set(data, i * data.length);
  return tf.tensor4d(numbers, [batch.length, height, width, 3]);
}
