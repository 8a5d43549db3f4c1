import { z } from 'zod';
import { tf } from '../../network/tensorflow.ts';
import { countPositive, reduce, violations } from './gather.ts';
import { defineLoss } from './loss.ts';
import { reduction } from './options.ts';

/**
 * The triplet loss with a soft margin, log(1 + exp(d(A,P) - d(A,N))) (Hermans et al. 2017): it never becomes 0.
 * Active: the triplets that are not in order, whose negative is nearer than their positive.
 */
export const softMargin = defineLoss({
  name: 'soft-margin',
  over: 'triplets',
  options: z.strictObject({ reduction }),
  compute(input, options) {
    const count = input.triplets.anchors.length;
    if (count === 0) return null;
    const violation = violations(input);
    return {
      loss: reduce(tf.softplus(violation), options.reduction),
      active: countPositive(violation) / count,
    };
  },
});
