import { z } from 'zod';
import { InvalidInputError } from '../../errors.ts';
import { tf } from '../../network/tensorflow.ts';
import type { Distance } from '../distances/distance.ts';
import { countPositive, entries, reduce, sign } from './gather.ts';
import { defineLoss } from './loss.ts';
import { reduction } from './options.ts';
import { pairsOf } from './pairs.ts';

const options = z.strictObject({
  positiveMargin: z
    .number()
    .default(0)
    .describe('pairs of one class are pulled until they are as close as this'),
  negativeMargin: z
    .number()
    .default(1)
    .describe('pairs of two classes are pushed until they are as far as this'),
  reduction,
});

/**
 * The contrastive loss (Hadsell et al. 2006) over all pairs of the batch: for one class 1/2 max(d - positiveMargin, 0)^2,
 * for two classes 1/2 max(negativeMargin - d, 0)^2; with `euclidean` and the defaults it is theirs.
 * A similarity is pulled up to positiveMargin and pushed down to negativeMargin, so it needs the first above the second (1 and 0 on
 * unit vectors). Active: the pairs whose loss is not 0. `mean` adds the mean over the pairs of one class and the mean over
 * those of two, since the latter are many more.
 */
export const contrastive = defineLoss({
  name: 'contrastive',
  over: 'pairs',
  options,
  compute({ embeddings, labels, distance }, { positiveMargin, negativeMargin, ...rest }) {
    checkMargins(positiveMargin, negativeMargin, distance);
    const { positive, negative } = pairsOf(labels);
    const count = positive.left.length + negative.left.length;
    if (count === 0) return null;

    const matrix = distance.pairwise(embeddings, embeddings);
    const positives = entries(matrix, positive.left, positive.right);
    const negatives = entries(matrix, negative.left, negative.right);
    const tooFar = tf.relu(tf.mul<tf.Tensor1D>(tf.sub(positives, positiveMargin), sign(distance)));
    const tooClose = tf.relu(tf.mul<tf.Tensor1D>(tf.sub(negativeMargin, negatives), sign(distance)));
    const pull = reduce(tf.square(tooFar), rest.reduction);
    const push = reduce(tf.square(tooClose), rest.reduction);
    return {
      loss: tf.mul(tf.add(pull, push), 0.5),
      active: (countPositive(tooFar) + countPositive(tooClose)) / count,
    };
  },
});

function checkMargins(positiveMargin: number, negativeMargin: number, distance: Distance): void {
  if (sign(distance) * (negativeMargin - positiveMargin) > 0) return;
  const order = distance.largerIsCloser ? 'above (for unit vectors 1 and 0)' : 'below (for instance 0 and 1)';
  throw new InvalidInputError(
    `Loss contrastive: with the distance ${distance.name} positiveMargin must be ${order} negativeMargin, got ${positiveMargin} and ${negativeMargin}.`,
  );
}
