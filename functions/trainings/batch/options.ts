/** Whether a recipe takes some options, told without the recipes: they bring TensorFlow, which Lambda has no room for. */
import { z } from 'zod';
import { InvalidInputError } from '../../../core/errors.ts';
import { suggest } from '../../../core/suggest.ts';
import { parseOptions } from '../../../core/training/losses/options.ts';
import { RECIPE_OPTIONS } from './recipe-options.ts';

/** @throws InvalidInputError when there is no such recipe, or it has no such options */
export function checkOptions(recipe: string, options: Readonly<Record<string, unknown>>): void {
  const schema = schemaOf(recipe);
  parseOptions(schema, options, `the recipe ${recipe}`);
}

function schemaOf(recipe: string): z.ZodType {
  if (Object.hasOwn(RECIPE_OPTIONS, recipe))
    return z.fromJSONSchema(RECIPE_OPTIONS[recipe] as z.core.JSONSchema.JSONSchema);
  throw new InvalidInputError(
    `There is no recipe ${JSON.stringify(recipe)}.${suggest(recipe, Object.keys(RECIPE_OPTIONS), 'recipe')}`,
  );
}
