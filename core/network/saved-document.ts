/** `model.json` without what its network computes: to know how pictures are to be decoded, no engine is needed. */
import { z } from 'zod';
import { CorruptDataError } from '../errors.ts';
import type { Preprocessing } from '../images/pixels.ts';

export const MODEL_FILE = 'model.json';
export const WEIGHTS_FILE = 'weights.bin';

const documentSchema = z.object({
  userDefinedMetadata: z.object({
    kindred: z.object({
      graph: z.unknown(),
      preprocessing: z.strictObject({
        size: z.int().min(1),
        fit: z.literal('squash'),
        kernel: z.enum(['linear', 'cubic', 'lanczos3']),
      }),
    }),
  }),
  weightsManifest: z.tuple([
    z.object({
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.int().nonnegative()),
          dtype: z.enum(['float32', 'int32']),
        }),
      ),
    }),
  ]),
});

export type SavedDocument = z.output<typeof documentSchema>;

export interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

/** From the bytes of `model.json`; the graph in it is not looked at. @throws CorruptDataError */
export function parseSavedDocument(model: Uint8Array): SavedDocument {
  try {
    return documentSchema.parse(JSON.parse(Buffer.from(model).toString('utf8')));
  } catch (cause) {
    throw new CorruptDataError(`${MODEL_FILE} is not a network that Kindred wrote.`, { cause });
  }
}

/** How pictures are to be decoded for the network. @throws CorruptDataError */
export function preprocessingOf(model: Uint8Array): Preprocessing {
  return parseSavedDocument(model).userDefinedMetadata.kindred.preprocessing;
}
