import { z } from 'zod';
import { rowsOutside } from './classes.ts';
import { defineMiner } from './miner.ts';

/** Each pair of a class once, the lower row as the anchor, with a negative drawn evenly from the rows outside the class. */
export const random = defineMiner({
  name: 'random',
  options: z.strictObject({}),
  choose({ labels, classes, random: source }, found) {
    for (const { label, rows } of classes) {
      const negatives = rowsOutside(label, labels);
      for (const [i, anchor] of rows.entries()) {
        for (const positive of rows.subarray(i + 1)) {
          found.push(anchor, positive, negatives[source.below(negatives.length)] as number);
        }
      }
    }
  },
});
