import { z } from 'zod';

/** How the losses of a batch become one number. With `sum` the gradient grows with the number of triplets; the original siamese program sums. */
export const reduction = z
  .enum(['sum', 'mean'])
  .default('mean')
  .describe('how the losses of a batch become one number');

export type Reduction = z.output<typeof reduction>;
