import { z } from 'zod';

export const trainingRequestSchema = z.strictObject({
  /** A folder, an address, or the name of a data set in the registry; how it was found is the edge's to know. */
  dataSet: z.string(),
  testSet: z.string().nullable(),
  /** Share of the pictures to judge on where there is no test set. */
  holdOut: z.number().min(0).max(0.9),
  model: z.string(),
  recipe: z.string(),
  options: z.record(z.string(), z.json()),
  seed: z.int(),
  promote: z.boolean(),
  /** Let the version answer even when it is worse than the one before. */
  force: z.boolean().optional(),
  /** The loss of accuracy up to which it may answer; see gate.ts. */
  tolerance: z.number().min(0).max(1).optional(),
  /** Shares that the operating points aim at, where they are not the usual ones: of known pictures (balanced), and of strangers (strict). */
  falseRejection: z.number().min(0).max(1).optional(),
  falseAcceptance: z.number().min(0).max(1).optional(),
});
/** What is to be trained, and how. */
export type TrainingRequest = z.infer<typeof trainingRequestSchema>;

/** The job that a training works for. */
export interface RequestedTraining {
  readonly id: string;
  readonly request: TrainingRequest;
}
