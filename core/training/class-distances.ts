/** How far pictures are from classes, by each decision rule (see core/gallery/rules.ts), where embeddings are of unit length. */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { K_NEAREST, type Rule } from '../gallery/rules.ts';
import { matMul } from '../network/raw-ops.ts';
import { tf } from '../network/tensorflow.ts';
import { rowsByLabel } from './batches.ts';

/** For each row asked for, the squared distance to every class, by label. */
export type ClassDistances = readonly ReadonlyMap<number, number>[];

/**
 * Squared Euclidean distances from rows to classes, one answer a rule.
 * @param known (n,d), rows of unit length @param labels of the known rows @param asked (m,d), rows of unit length
 */
export function classDistances(
  known: Tensor2D,
  labels: Int32Array,
  asked: Tensor2D,
  rules: readonly Rule[],
): ClassDistances[] {
  const members = rowsByLabel(labels);
  const cosines = numbersOf(() => matMul(asked, known, false, true));
  const lengths = numbersOf(() => sums(known, members).norm('euclidean', 1, true));
  /** The cosine that a class's squared distance, 2 - 2 cos, is made of. */
  const cosineBy: Record<Rule, (own: readonly number[], member: number) => number> = {
    nearest: (own) => own.reduce((most, cosine) => Math.max(most, cosine), -1),
    'k-nearest': (own) => mean(own.toSorted((a, b) => b - a).slice(0, K_NEAREST)),
    'class-mean': (own, member) => sum(own) / (lengths[member]?.[0] || 1),
  };
  return rules.map((rule) =>
    cosines.map((row) => {
      const distanceTo = (rows: readonly number[], member: number): number =>
        Math.max(
          0,
          2 -
            2 *
              cosineBy[rule](
                rows.map((at) => row[at] as number),
                member,
              ),
        );
      return new Map(
        members.map((rows, member) => [labels[rows[0] as number] as number, distanceTo(rows, member)]),
      );
    }),
  );
}

/** (classes, d): the sum of each class's rows. */
function sums(rows: Tensor2D, members: readonly (readonly number[])[]): Tensor {
  return tf.concat(
    members.map((own) => tf.gather(rows, tf.tensor1d([...own], 'int32')).sum(0, true)),
    0,
  );
}

/** A matrix's rows; read out here, for tfjs looks for tensors in whatever a tidy returns, number by number. */
function numbersOf(make: () => Tensor): number[][] {
  const made = tf.tidy(make);
  const numbers = made.arraySync() as number[][];
  made.dispose();
  return numbers;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
