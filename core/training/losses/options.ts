import { z } from 'zod';
import { InvalidInputError } from '../../errors.ts';

/** How the losses of a batch become one number. With `sum` the gradient grows with the number of triplets; the original siamese program sums. */
export const reduction = z.enum(['sum', 'mean']).default('mean');

export type Reduction = z.output<typeof reduction>;

/** A margin in units of the distance. */
export const margin = z.number().nonnegative();

/** The options with defaults filled in; a wrong or unknown one is an error that names it and those there are. */
export function parseOptions<S extends z.ZodType>(schema: S, options: unknown, of: string): z.output<S> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    `The options of ${of} are not valid: ${JSON.stringify(options)}\n${z.prettifyError(parsed.error)}${allowed(schema)}`,
    { cause: parsed.error },
  );
}

function allowed(schema: z.ZodType): string {
  return schema instanceof z.ZodObject ? `\nThere are: ${Object.keys(schema.shape).join(', ')}.` : '';
}
