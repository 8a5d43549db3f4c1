/** Every recipe by name. To add one, write its file and name it here. Nothing here loads TensorFlow until a recipe is loaded. */
import type { z } from 'zod';
import { byName } from '../by-name.ts';
import { parseOptions } from '../options.ts';
import type { LoadedRecipe, Recipe } from '../recipe.ts';
import { fast } from './fast.ts';
import { metric } from './metric.ts';
import { siamese } from './siamese.ts';

export const recipes: Record<string, Recipe> = { metric, fast, siamese };

export const DEFAULT_RECIPE = 'metric';

/** @throws InvalidInputError that lists the recipes there are */
export function recipeNamed(name: string): Recipe {
  return byName(recipes, 'recipe', name);
}

/** All options of a recipe, checked. @throws InvalidInputError when there is no such recipe, or it has no such options */
export function recipeOptions(name: string, given: unknown): RecipeOptions {
  return parseOptions(recipeNamed(name).options, given, `the recipe ${name}`) as RecipeOptions;
}

/** Options as JSON has them. */
type RecipeOptions = Record<string, z.core.util.JSONType>;

/** The recipe with what trains. @throws InvalidInputError that lists the recipes there are */
export async function loadRecipe(name: string): Promise<LoadedRecipe> {
  return { name, ...(await recipeNamed(name).load()) };
}
