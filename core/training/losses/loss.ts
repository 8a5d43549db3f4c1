import type { z } from 'zod';
import { InvalidInputError } from '../../errors.ts';
import { tf } from '../../network/tensorflow.ts';
import type { Distance } from '../distances/distance.ts';
import type { Triplets } from '../triplets.ts';
import { parseOptions } from '../options.ts';

export interface LossInput {
  /** [n, d]. */
  readonly embeddings: tf.Tensor2D;
  /** The class of each row: n. */
  readonly labels: Int32Array;
  /** Rows of `embeddings`; losses over pairs make their own from the labels and look at no triplets. */
  readonly triplets: Triplets;
  readonly distance: Distance;
}

export interface LossValue {
  /** Differentiable with tf.grads by the embeddings; 0 with gradient 0 where there is nothing to learn from. */
  readonly loss: tf.Scalar;
  /** The share in [0, 1] of triplets or pairs that still teach something; 0 when there are none. */
  readonly active: number;
}

export interface Loss {
  readonly name: string;
  /** Whether it learns from the mined triplets, or from all pairs of the batch. */
  readonly over: 'triplets' | 'pairs';
  value(input: LossInput): LossValue;
}

/** A loss before its options are known. */
export interface LossKind<S extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly over: Loss['over'];
  /** The options with their defaults; unknown keys are refused. */
  readonly options: S;
  /** Checks the options and gives the loss. */
  create(options?: z.input<S>): Loss;
}

interface Leaf<S extends z.ZodObject> {
  readonly name: string;
  readonly over: Loss['over'];
  readonly options: S;
  /** The maths; null when there is no triplet or pair to learn from. */
  readonly compute: (input: LossInput, options: z.output<S>) => LossValue | null;
}

/** Makes a kind of loss from its maths: options, shapes and rows are checked and tensors freed here. */
export function defineLoss<S extends z.ZodObject>({
  name,
  over,
  options: schema,
  compute,
}: Leaf<S>): LossKind<S> {
  return {
    name,
    over,
    options: schema,
    create(given) {
      const options = parseOptions(schema, given ?? {}, `the loss ${name}`);
      return { name, over, value: (input) => valueOf(name, input, () => compute(input, options)) };
    },
  };
}

function valueOf(name: string, input: LossInput, compute: () => LossValue | null): LossValue {
  check(name, input);
  let active = 0;
  const loss = tf.tidy(() => {
    const value = compute();
    active = value?.active ?? 0;
    return value?.loss ?? nothing(input.embeddings);
  });
  return { loss, active };
}

/** 0, connected to the embeddings by a sum over none of their rows, so that its gradient is 0 whatever they hold. */
function nothing(embeddings: tf.Tensor2D): tf.Scalar {
  return tf.sum(tf.slice(embeddings, [0, 0], [0, embeddings.shape[1]]));
}

function check(name: string, { embeddings, labels, triplets }: LossInput): void {
  const rows = embeddings.shape[0];
  if (embeddings.rank !== 2 || labels.length !== rows) {
    throw new InvalidInputError(
      `Loss ${name}: needs embeddings [n, d] and n labels, got [${embeddings.shape.join(', ')}] and ${labels.length} labels.`,
    );
  }
  const { anchors, positives, negatives } = triplets;
  if (positives.length !== anchors.length || negatives.length !== anchors.length) {
    throw new InvalidInputError(
      `Loss ${name}: needs as many anchors as positives and negatives, got ${anchors.length}, ${positives.length} and ${negatives.length}.`,
    );
  }
  for (const part of [anchors, positives, negatives]) {
    const outside = part.find((row) => row < 0 || row >= rows);
    if (outside === undefined) continue;
    throw new InvalidInputError(`Loss ${name}: a triplet names row ${outside} of a batch of ${rows} rows.`);
  }
}
