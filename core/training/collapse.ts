/**
 * A guard against collapse: all pictures fall together into one point, where the triplet loss stands still at its margin (the soft one at
 * log 2) and its gradient is next to nothing. Nothing is not a number and nothing runs away, so that only the spread shows it.
 *
 * It comes from triplets that are too hard or steps that are too large. Schroff et al. (2015, FaceNet) saw that the hardest negatives "can in
 * practice lead to bad local minima early on in training, specifically it can result in a collapsed model", and took semi-hard ones; users of
 * batch-hard miners (pytorch-metric-learning 20, open-metric-learning 367 and 446) got out by other triplets or by a lower learning rate.
 * The remedy here is both.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { z } from 'zod';
import { tf } from '../network/tensorflow.ts';
import type { Distance } from './distances/index.ts';
import type { Loss } from './losses/index.ts';
import type { Triplets } from './triplets.ts';

/** So many steps in a row have to look collapsed: a loss may stay near its margin for a while and then go down after all. */
const STEPS = 10;
/** A batch looks collapsed when its spread is at most this share of the first batch's ... */
const SPREAD = 0.1;
/** ... its loss is not better than this share of one point's ... */
const LOSS = 0.95;
/** ... and at least this share of what is active in one point is active. */
const ACTIVE = 0.9;

/** What the learning rate is multiplied by in the second attempt. */
export const GENTLER_RATE = 0.1;

/** One batch before its update. */
export interface Observed {
  /** The mean over the batch's triplets or pairs. */
  readonly loss: number;
  readonly active: number;
  /** The mean squared Euclidean distance between two pictures of the batch. */
  readonly spread: number;
  /** Loss and share of active ones, were all its pictures one point. Asked for only where the spread is small. */
  readonly onePoint: () => { readonly loss: number; readonly active: number };
}

/** What the guard remembers; part of a checkpoint. */
export const guardSchema = z.strictObject({
  /** The spread of the first batch; null before it. */
  firstSpread: z.number().nullable(),
  /** How many batches in a row looked collapsed. */
  steps: z.int(),
});
export type GuardState = Readonly<z.infer<typeof guardSchema>>;

/** Before the first batch. */
export const WATCHFUL: GuardState = { firstSpread: null, steps: 0 };

/** Takes note of the next batch. */
export function watch({ firstSpread, steps }: GuardState, seen: Observed): GuardState {
  const first = firstSpread ?? seen.spread;
  const looksCollapsed = seen.spread <= SPREAD * first && isNoBetterThanOnePoint(seen);
  return { firstSpread: first, steps: looksCollapsed ? steps + 1 : 0 };
}

function isNoBetterThanOnePoint({ loss, active, onePoint }: Observed): boolean {
  const point = onePoint();
  return loss >= LOSS * point.loss && active >= ACTIVE * point.active;
}

/** Whether this is no longer chance. */
export function hasCollapsed({ steps }: GuardState): boolean {
  return steps >= STEPS;
}

/** What was seen, for people. */
export function describeCollapse(
  { firstSpread }: GuardState,
  { spread, loss, active, onePoint }: Observed,
): string {
  const left = firstSpread === null || firstSpread === 0 ? 0 : spread / firstSpread;
  return (
    `all pictures lie nearly in one point (${(left * 100).toPrecision(2)} % of their first mean squared distance is left), and for ` +
    `${STEPS} steps the loss (${loss.toPrecision(3)}) has been no better than one point's (${onePoint().loss.toPrecision(3)}), with ` +
    `${Math.round(active * 100)} % active`
  );
}

/** What {@link watch} needs to know of a batch besides its loss. @param embeddings (n,d) */
export function observeBatch(
  { loss, distance }: { readonly loss: Loss; readonly distance: Distance },
  embeddings: Tensor2D,
  labels: Int32Array,
  triplets: Triplets,
): Pick<Observed, 'spread' | 'onePoint'> {
  const [rows, dimensions] = embeddings.shape;
  const [mean, squares] = tf.tidy(() => {
    const centre = tf.mean(embeddings, 0);
    return [centre, tf.sum(tf.squaredDifference(embeddings, centre))];
  }) as [Tensor, Tensor];
  const numbers = mean.dataSync() as Float32Array;
  const variance = (squares.dataSync()[0] as number) / Math.max(1, rows - 1);
  tf.dispose([mean, squares]);
  const onePoint = (): { loss: number; active: number } => {
    const point = tf.tidy(() => tf.tile<Tensor2D>(tf.tensor2d(numbers, [1, dimensions]), [rows, 1]));
    const result = loss.value({ embeddings: point, labels, triplets, distance });
    const value = result.loss.dataSync()[0] as number;
    tf.dispose([point, result.loss]);
    return { loss: value, active: result.active };
  };
  // Two rows that are drawn independently differ by twice the variance.
  return { spread: 2 * variance, onePoint };
}
