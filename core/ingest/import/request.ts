/** What an import is asked to do, and what came of it, as its job stores it. */
import { z } from 'zod';

/** Of an import, and of an array job of AWS Batch. */
export const MOST_PARTS = 10_000;
/** Of the reasons why images were left out, so many are stored; all are counted. */
export const KEPT_REASONS = 100;

const leftOutSchema = z.strictObject({ key: z.string(), reason: z.string() });
/** An image that could not be used. */
export type LeftOut = Readonly<z.infer<typeof leftOutSchema>>;

/** How many images could not be used, and why the first ones. */
export const leftOutCountSchema = z.strictObject({
  count: z.int().min(0),
  first: z.array(leftOutSchema).max(KEPT_REASONS),
});

export const importRequestSchema = z.strictObject({
  /** A folder, an address, or the name of a dataset in the registry; how it is found is up to the caller. */
  dataSet: z.string(),
  /** The model whose gallery gets the images. */
  model: z.string(),
  /** The version whose network embeds them. */
  version: z.int().min(1),
  /** How many processes may embed at once. */
  parts: z.int().min(1).max(MOST_PARTS),
});
export type ImportRequest = z.infer<typeof importRequestSchema>;

/** An import, whatever runs it. */
export interface Import {
  /** ULID of its job. */
  readonly id: string;
  readonly request: ImportRequest;
}

export const importResultSchema = z.strictObject({
  model: z.string(),
  version: z.int(),
  /** The change of the gallery; null when there was nothing to add. */
  segment: z.string().nullable(),
  added: z.int(),
  /** Images that their class had already, or that a user labelled otherwise. */
  unchanged: z.int(),
  /** The same image under the same class, a second time in the dataset. */
  duplicates: z.int(),
  left: leftOutCountSchema,
});
export type ImportResult = Readonly<z.infer<typeof importResultSchema>>;
