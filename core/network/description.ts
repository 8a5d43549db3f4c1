/** How a network's input must look, from its description as JSON. TensorFlow is not loaded for it. */
import { z } from 'zod';
import { CorruptDataError } from '../errors.ts';
import type { Preprocessing } from '../images/pixels.ts';

const descriptionSchema = z.strictObject({
  graph: z.unknown(),
  preprocessing: z.strictObject({
    size: z.int().min(1).max(10_000),
    fit: z.literal('squash'),
    kernel: z.enum(['linear', 'cubic', 'lanczos3']),
  }),
});

/**
 * The preprocessing, and the graph unchecked.
 * @param where names the file in the error
 * @throws CorruptDataError
 */
export function parsePreprocessing(
  json: string,
  where: string,
): { readonly graph?: unknown; readonly preprocessing: Preprocessing } {
  try {
    return descriptionSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new CorruptDataError(`${where} is not a network that Kindred wrote.`, { cause });
  }
}
