import type { z } from 'zod';
import { DivergedError, InvalidInputError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import type { DistanceMatrix } from '../distances/matrix.ts';
import { parseOptions } from '../options.ts';
import type { Triplets } from '../triplets.ts';
import { type ClassOfRows, groupByClass } from './classes.ts';
import { TripletList } from './triplet-list.ts';

/** Chooses triplets from the distances within a batch. The same input and random state give the same triplets. */
export interface Miner {
  readonly name: string;
  /** A class with one row is never an anchor or a positive, but can be a negative. With nothing to choose from: no triplets. */
  mine(distances: DistanceMatrix, labels: Int32Array, random: Random): Triplets;
}

/** A miner before its options are known. */
export interface MinerKind<S extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** The options with their defaults; unknown keys are refused. */
  readonly options: S;
  /** Checks the options and gives the miner. */
  create(options?: z.input<S>): Miner;
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
  readonly random: Random;
}

interface Leaf<S extends z.ZodObject> {
  readonly name: string;
  readonly options: S;
  readonly choose: (input: MinerInput, found: TripletList, options: z.output<S>) => void;
}

/** Makes a kind of miner from its rule: options and input are checked and grouped here, so that a leaf only chooses. */
export function defineMiner<S extends z.ZodObject>({ name, options: schema, choose }: Leaf<S>): MinerKind<S> {
  return {
    name,
    options: schema,
    create(given) {
      const options = parseOptions(schema, given ?? {}, `the miner ${name}`);
      return {
        name,
        mine(distances, labels, random) {
          check(name, distances, labels);
          const { size, values } = distances;
          const found = new TripletList();
          const classes = groupByClass(labels).filter(({ rows }) => rows.length > 1 && rows.length < size);
          const sign = distances.largerIsCloser ? -1 : 1;
          if (classes.length > 0) choose({ size, labels, classes, values, sign, random }, found, options);
          return found.triplets();
        },
      };
    },
  };
}

function check(name: string, { size, values }: DistanceMatrix, labels: Int32Array): void {
  if (labels.length !== size || values.length !== size * size) {
    throw new InvalidInputError(
      `Miner ${name}: needs n labels and n * n distances, got ${labels.length} labels and ${values.length} distances for n = ${size}.`,
    );
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const [row, column] = [Math.floor(i / size), i % size];
    throw new DivergedError(
      `Miner ${name}: the distance between rows ${row} and ${column} is ${values[i]}, so the embeddings have diverged. Use a smaller learning rate.`,
    );
  }
}
