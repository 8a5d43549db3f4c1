/** A trained projection of the pretrained features: one dense layer on the pooled last map, which is computed once. */
import { z } from 'zod';
import { margin } from '../../../core/training/options.ts';
import { defineRecipe } from '../../../core/training/recipe.ts';

const options = z.strictObject({
  size: z.int().min(32).max(1024).default(200).describe('side of the input in pixels'),
  dimensions: z.int().min(2).max(2048).default(128).describe('numbers in an embedding'),
  epochs: z.int().min(0).default(10),
  margin: margin.default(0.2),
  learningRate: z.number().positive().default(1e-3),
});
export type ProjectionOptions = z.output<typeof options>;

export const projection = defineRecipe({
  name: 'projection',
  summary: 'a trained projection of the pretrained features',
  options,
  load: async () => (await import('./train-projection.ts')).projectionTraining,
});
