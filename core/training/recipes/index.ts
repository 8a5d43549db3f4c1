/** Every recipe by name. To add one, write its file and name it here. */
import { byName } from '../by-name.ts';
import type { Recipe } from '../recipe.ts';
import { fast } from './fast.ts';
import { metric } from './metric.ts';
import { siamese } from './siamese.ts';

export const recipes: Readonly<Record<string, Recipe>> = { metric, fast, siamese };

export const DEFAULT_RECIPE = 'metric';

/** @throws InvalidInputError that lists the recipes there are */
export function recipeNamed(name: string): Recipe {
  return byName(recipes, 'recipe', name);
}
