import { z } from 'zod';
import { bracket } from './brackets.ts';
import { rowsOutside } from './classes.ts';
import { defineMiner } from './miner.ts';

/**
 * The rule of the original siamese program: each pair of a class once, the lower row as the anchor, with the negative
 * whose distance from the anchor is nearest to the positive's, nearer or farther; of several, the lowest row.
 */
export const closeDistance = defineMiner({
  name: 'close-distance',
  options: z.strictObject({}),
  choose(input, found) {
    const { size, values, labels, classes } = input;
    for (const { label, rows } of classes) {
      const negatives = rowsOutside(label, labels);
      for (const [i, anchor] of rows.entries()) {
        const positives = rows.subarray(i + 1);
        const { below, above } = bracket(input, anchor, positives, negatives);
        for (const [p, positive] of positives.entries()) {
          const gapTo = (row: number): number =>
            Math.abs((values[anchor * size + row] as number) - (values[anchor * size + positive] as number));
          found.push(anchor, positive, nearer(below[p] as number, above[p] as number, gapTo));
        }
      }
    }
  },
});

/** Whichever of two rows has the smaller gap, the lower row if equal; -1 stands for no row. */
function nearer(a: number, b: number, gapTo: (row: number) => number): number {
  if (a === -1) return b;
  if (b === -1) return a;
  const difference = gapTo(a) - gapTo(b);
  if (difference === 0) return Math.min(a, b);
  return difference < 0 ? a : b;
}
