/** What somebody wants imported, and what came of it, as the job keeps it. */
import { z } from 'zod';

/** Of an import, and of an array job of AWS Batch. */
export const MOST_PARTS = 10_000;
/** Of the reasons why pictures were left out, so many are kept; all are counted. */
export const KEPT_REASONS = 100;

const leftOutSchema = z.strictObject({ key: z.string(), reason: z.string() });
/** A picture that could not be used. */
export type LeftOut = Readonly<z.infer<typeof leftOutSchema>>;

/** How many pictures could not be used, and why the first ones. */
export const leftOutCountSchema = z.strictObject({
  count: z.int().min(0),
  first: z.array(leftOutSchema).max(KEPT_REASONS),
});

export const importRequestSchema = z.strictObject({
  /** A folder, an address, or the name of a data set in the registry; how it was found is the edge's to know. */
  dataSet: z.string(),
  model: z.string(),
  /** Decided when it is asked for: a gallery belongs to one version. */
  version: z.int().min(1),
  /** That was named for the version; where it points to another one in the end, that one gets the pictures too. */
  alias: z.string().nullable(),
  /** How many may embed at once. */
  parts: z.int().min(1).max(MOST_PARTS),
  /** Whether the pictures are kept for versions to come. */
  keepPictures: z.boolean(),
});
export type ImportRequest = z.infer<typeof importRequestSchema>;

export const importResultSchema = z.strictObject({
  model: z.string(),
  /** The one that was embedded with, or the one that the alias had come to point to. */
  version: z.int(),
  /** The change of the gallery; null when there was nothing to add. */
  segment: z.string().nullable(),
  added: z.int(),
  /** Pictures that their class had already. */
  unchanged: z.int(),
  /** The same picture under the same class, a second time in the data set. */
  duplicates: z.int(),
  left: leftOutCountSchema,
});
export type ImportResult = Readonly<z.infer<typeof importResultSchema>>;
