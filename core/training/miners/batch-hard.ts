import { z } from 'zod';
import { rowsOutside } from './classes.ts';
import { defineMiner } from './miner.ts';

/** Batch-hard (Hermans et al. 2017): for every anchor its farthest positive and its nearest negative; of several, the lowest row. */
export const batchHard = defineMiner({
  name: 'batch-hard',
  options: z.strictObject({}),
  choose({ size, values, sign, labels, classes }, found) {
    for (const { label, rows } of classes) {
      const negatives = rowsOutside(label, labels);
      for (const anchor of rows) {
        const distances = values.subarray(anchor * size, (anchor + 1) * size);
        const positives = rows.filter((row) => row !== anchor);
        found.push(anchor, leastOf(positives, distances, -sign), leastOf(negatives, distances, sign));
      }
    }
  },
});

/** The first of `rows` with the least sign * distance. */
function leastOf(rows: Int32Array, distances: Float32Array, sign: number): number {
  let least = rows[0] as number;
  for (const row of rows) {
    if (sign * (distances[row] as number) < sign * (distances[least] as number)) least = row;
  }
  return least;
}
