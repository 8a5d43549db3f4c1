import { z } from 'zod';
import { InvalidInputError } from '../../errors.ts';
import { rowsOutside } from './classes.ts';
import { defineMiner } from './miner.ts';

/** Beyond this (120 MB of indices) the batch was surely not meant for this miner. */
const MOST = 10_000_000;

/** Every triplet there is: each ordered pair of a class with each row outside it. Grows with the cube of the batch. */
export const all = defineMiner({
  name: 'all',
  options: z.strictObject({}),
  choose({ size, labels, classes }, found) {
    const count = classes.reduce(
      (sum, { rows: { length } }) => sum + length * (length - 1) * (size - length),
      0,
    );
    if (count > MOST) {
      throw new InvalidInputError(
        `Miner all: ${size} rows give ${count} triplets, at most ${MOST} are allowed. Use smaller batches or another miner.`,
      );
    }
    for (const { label, rows } of classes) {
      const negatives = rowsOutside(label, labels);
      for (const anchor of rows) {
        for (const positive of rows) {
          if (positive === anchor) continue;
          for (const negative of negatives) found.push(anchor, positive, negative);
        }
      }
    }
  },
});
