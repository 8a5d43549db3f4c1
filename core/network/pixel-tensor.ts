import type { Tensor } from '@tensorflow/tfjs-node';
import { pixelNumbers } from '../images/pixels.ts';
import type { Pixels } from '../images/pixels.ts';
import { tf } from './tensorflow.ts';

/** Pictures of one size -> float32 (N, height, width, 3), 0..255. */
export function pixelTensor(batch: readonly Pixels[]): Tensor {
  const { width, height } = batch[0] as Pixels;
  return tf.tensor4d(pixelNumbers(batch), [batch.length, height, width, 3]);
}
