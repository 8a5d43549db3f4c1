/**
 * The original siamese program to the letter: ResNet50 at 200x200, Flatten, Dense 512-256-256, squared Euclidean
 * triplet loss with margin 0.5 summed over the batch, negatives whose d(A,N) is close to d(A,P) chosen once before
 * training, Adam 1e-6. What differs: pixels are scaled as the backbone expects, and only what follows
 * the blocks to tune is computed more than once per picture.
 */
import { z } from 'zod';
import { margin } from '../options.ts';
import { defineRecipe } from '../recipe.ts';

const options = z.strictObject({
  size: z.int().min(32).max(1024).default(200).describe('side of the input in pixels'),
  miner: z.enum(['close-distance', 'random']).default('close-distance').describe('how negatives are chosen'),
  margin: margin.default(0.5),
  batchSize: z.int().min(1).default(32).describe('triplets a step'),
  epochs: z.int().min(0).default(1),
  learningRate: z.number().positive().default(1e-6),
});
export type SiameseOptions = z.output<typeof options>;

export const siamese = defineRecipe({
  name: 'siamese',
  summary: 'the original siamese network: Flatten, Dense 512-256-256, triplet loss, nearest training picture',
  options,
  load: async () => (await import('./train-siamese.ts')).siameseTraining,
});
