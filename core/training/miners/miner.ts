import { DivergedError, InvalidInputError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import type { DistanceMatrix } from '../distances/matrix.ts';
import type { Triplets } from '../triplets.ts';
import { type ClassOfRows, groupByClass } from './classes.ts';
import { TripletList } from './triplet-list.ts';

export interface MinerOptions {
  /** How much farther than the positive a negative should be, in units of the distance; only `semi-hard` looks at it. */
  readonly margin: number;
}

/** Chooses triplets from the distances within a batch. The same input and random state give the same triplets. */
export interface Miner {
  readonly name: string;
  /** A class with one row is never an anchor or a positive, but can be a negative. With nothing to choose from: no triplets. */
  mine(distances: DistanceMatrix, labels: Int32Array, options: MinerOptions, random: Random): Triplets;
}

/** What a leaf works on: at least two classes, one of which has two rows; every value is a finite number. */
export interface MinerInput {
  readonly size: number;
  readonly labels: Int32Array;
  /** Classes of two rows and more, by label. */
  readonly classes: readonly ClassOfRows[];
  /** From row i to row j, at i * size + j, as it was measured. */
  readonly values: Float32Array;
  /** 1, or -1 for a similarity: sign * value is smaller for what is closer. */
  readonly sign: 1 | -1;
  readonly margin: number;
  readonly random: Random;
}

/** Makes a miner from its rule: input is checked and grouped here, so that a leaf only chooses. */
export function defineMiner(name: string, choose: (input: MinerInput, found: TripletList) => void): Miner {
  return {
    name,
    mine(distances, labels, options, random) {
      check(name, distances, labels, options);
      const { size, values } = distances;
      const found = new TripletList();
      const classes = groupByClass(labels).filter(({ rows }) => rows.length > 1 && rows.length < size);
      const sign = distances.largerIsCloser ? -1 : 1;
      if (classes.length > 0) {
        choose({ size, labels, classes, values, sign, margin: options.margin, random }, found);
      }
      return found.triplets();
    },
  };
}

function check(
  name: string,
  { size, values }: DistanceMatrix,
  labels: Int32Array,
  { margin }: MinerOptions,
): void {
  if (labels.length !== size || values.length !== size * size) {
    throw new InvalidInputError(
      `Miner ${name}: needs n labels and n * n distances, got ${labels.length} labels and ${values.length} distances for n = ${size}.`,
    );
  }
  if (!(margin >= 0 && margin < Infinity)) {
    throw new InvalidInputError(`Miner ${name}: the margin must be a number from 0, got ${margin}.`);
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const [row, column] = [Math.floor(i / size), i % size];
    throw new DivergedError(
      `Miner ${name}: the distance between rows ${row} and ${column} is ${values[i]}, so the embeddings have diverged. Use a smaller learning rate.`,
    );
  }
}
