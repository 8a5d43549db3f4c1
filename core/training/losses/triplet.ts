import { z } from 'zod';
import { tf } from '../../network/tensorflow.ts';
import { margin } from '../options.ts';
import { countPositive, reduce, violations } from './gather.ts';
import { defineLoss } from './loss.ts';
import { reduction } from './options.ts';

/**
 * The triplet loss max(d(A,P) - d(A,N) + margin, 0) (Schroff et al. 2015), by default with the margin of the original
 * siamese program. Active: the triplets whose loss is not 0. `mean` is over all triplets.
 */
export const triplet = defineLoss({
  name: 'triplet',
  over: 'triplets',
  options: z.strictObject({ margin: margin.default(0.5), reduction }),
  compute(input, options) {
    const count = input.triplets.anchors.length;
    if (count === 0) return null;
    const hinge = tf.maximum<tf.Tensor1D>(tf.add(violations(input), options.margin), 0);
    return { loss: reduce(hinge, options.reduction), active: countPositive(hinge) / count };
  },
});
