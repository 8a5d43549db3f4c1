/**
 * The options of all recipes as JSON Schema. Recipes bring TensorFlow, which Lambda has no room for: in its package there is, in place of this
 * file, what comes out of it (scripts/bundle/constants.mjs).
 */
import { z } from 'zod';
import { recipes } from '../../../core/training/recipes/index.ts';

export const RECIPE_OPTIONS: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(recipes).map(([name, { options }]) => [name, z.toJSONSchema(options, { io: 'input' })]),
);
