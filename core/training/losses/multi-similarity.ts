import { z } from 'zod';
import { tf } from '../../network/tensorflow.ts';
import { unitRows } from '../distances/stable.ts';
import { choosePairs } from './informative-pairs.ts';
import { defineLoss } from './loss.ts';
import { reduction } from './options.ts';

const options = z.strictObject({
  alpha: z.number().positive().default(2).describe('sharpness for pairs of one class'),
  beta: z.number().positive().default(50).describe('sharpness for pairs of two classes'),
  base: z
    .number()
    .min(-1)
    .max(1)
    .default(0.5)
    .describe('similarity (lambda) that pairs of one class should be above, and pairs of two classes below'),
  mining: z.boolean().default(true).describe('whether only informative pairs count'),
  epsilon: z.number().nonnegative().default(0.1).describe('how wide the mining looks'),
  reduction,
});

/** Added to what a pair without a flag would contribute to a sum of exponentials. */
const NOTHING = -1e9;

/**
 * The multi-similarity loss (Wang et al. 2019) on the cosine similarity S of the embeddings, whatever the distance
 * given; over anchors i that have a positive and a negative:
 * 1/alpha log(1 + sum over positives of exp(-alpha (S - base))) + 1/beta log(1 + sum over negatives of exp(beta (S - base))).
 * Active: the share of pairs that the mining kept. `mean` is over all rows of the batch, as in the paper.
 */
export const multiSimilarity = defineLoss({
  name: 'multi-similarity',
  over: 'pairs',
  options,
  compute({ embeddings, labels }, { alpha, beta, base, mining, epsilon, ...rest }) {
    const unit = unitRows(embeddings);
    const similarity: tf.Tensor2D = tf.matMul(unit, unit, false, true);
    const values = similarity.dataSync<'float32'>();
    const all = choosePairs(values, labels, null);
    if (all.count === 0) return null;

    const kept = mining ? choosePairs(values, labels, epsilon) : all;
    const above = tf.sub<tf.Tensor2D>(similarity, base);
    const pull = tf.div(logOnePlusSumExp(tf.mul(above, -alpha), kept.positive), alpha);
    const push = tf.div(logOnePlusSumExp(tf.mul(above, beta), kept.negative), beta);
    const sum = tf.sum<tf.Scalar>(tf.add(pull, push));
    return {
      loss: rest.reduction === 'sum' ? sum : tf.div(sum, labels.length),
      active: kept.count / all.count,
    };
  },
});

/** For each row log(1 + the sum of exp over the flagged columns): [n]. */
function logOnePlusSumExp(exponents: tf.Tensor2D, flags: Uint8Array): tf.Tensor1D {
  const [rows, columns] = exponents.shape;
  const mask = tf.tensor2d(
    Float32Array.from(flags, (flag) => (flag ? 0 : NOTHING)),
    [rows, columns],
  );
  return tf.logSumExp(tf.concat([tf.zeros([rows, 1]), tf.add(exponents, mask)], 1), 1);
}
