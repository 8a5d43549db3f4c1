import { z } from 'zod';
import { rowsOutside } from '../../../core/training/miners/classes.ts';
import { defineMiner } from '../../../core/training/miners/miner.ts';

/**
 * Easy positives (Xuan et al. 2020, "Improved embeddings with easy positive triplet mining"): for every anchor its
 * nearest positive and its nearest negative, so that a class may keep several shapes. Of several, the lowest row.
 */
export const easyPositive = defineMiner({
  name: 'easy-positive',
  options: z.strictObject({}),
  choose(input, found) {
    const { size, values, sign, labels, classes } = input;
    for (const { label, rows } of classes) {
      const negatives = rowsOutside(label, labels);
      for (const anchor of rows) {
        const distanceTo = (row: number): number => sign * (values[anchor * size + row] as number);
        const nearest = (best: number, row: number): number =>
          distanceTo(row) < distanceTo(best) ? row : best;
        const positives = rows.filter((row) => row !== anchor);
        found.push(anchor, positives.reduce(nearest), negatives.reduce(nearest));
      }
    }
  },
});
