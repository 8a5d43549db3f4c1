import { z } from 'zod';
import { margin } from '../options.ts';
import { bracket } from './brackets.ts';
import { rowsOutside } from './classes.ts';
import { defineMiner } from './miner.ts';

/**
 * Semi-hard negatives (Schroff et al. 2015, FaceNet): for every ordered pair of a class the nearest negative with
 * d(A,P) < d(A,N) < d(A,P) + margin; of several, the lowest row.
 *
 * Where there is none, in this order: the farthest negative that is at most as far as the positive (hard, but the
 * mildest such), else the nearest beyond the margin (its hinge loss is 0). So every pair gives one triplet, and the
 * share of active ones stays comparable from step to step.
 */
export const semiHard = defineMiner({
  name: 'semi-hard',
  options: z.strictObject({ margin: margin.default(0.5) }),
  choose(input, found, { margin: wanted }) {
    const { size, values, sign, labels, classes } = input;
    for (const { label, rows } of classes) {
      const negatives = rowsOutside(label, labels);
      for (const anchor of rows) {
        const distanceTo = (row: number): number => sign * (values[anchor * size + row] as number);
        const positives = rows.filter((row) => row !== anchor);
        const { below, above } = bracket(input, anchor, positives, negatives);
        for (const [p, positive] of positives.entries()) {
          const [harder, easier] = [below[p] as number, above[p] as number];
          const within = easier !== -1 && distanceTo(easier) < distanceTo(positive) + wanted;
          found.push(anchor, positive, within || harder === -1 ? easier : harder);
        }
      }
    }
  },
});
