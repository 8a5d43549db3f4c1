import { z } from 'zod';
import { tf } from '../../../core/network/tensorflow.ts';
import { countPositive, reduce, violations } from '../../../core/training/losses/gather.ts';
import { defineLoss } from '../../../core/training/losses/loss.ts';
import { reduction } from '../../../core/training/losses/options.ts';

/**
 * The triplet loss of Hoffer and Ailon (2015, "Deep metric learning using triplet network"): the square of the
 * positive's share exp(d(A,P)) / (exp(d(A,P)) + exp(d(A,N))), which is sigmoid(d(A,P) - d(A,N)) squared.
 * Active: the triplets whose negative is nearer than their positive.
 */
export const ratio = defineLoss({
  name: 'ratio',
  over: 'triplets',
  options: z.strictObject({ scale: z.number().positive().default(1), reduction }),
  compute(input, { scale, reduction: how }) {
    const count = input.triplets.anchors.length;
    if (count === 0) return null;
    const violation = violations(input);
    const share = tf.sigmoid<tf.Tensor1D>(tf.mul(violation, scale));
    return { loss: reduce(tf.square(share), how), active: countPositive(violation) / count };
  },
});
