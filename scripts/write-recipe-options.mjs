/** Writes functions/trainings/batch/recipe-options.ts anew: the options of all recipes, for a process that has no room for the recipes. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { register } from 'tsx/esm/api';

register();
const { recipes } = await import('../core/training/recipes/index.ts');
const { z } = await import('zod');

const file = fileURLToPath(new URL('../functions/trainings/batch/recipe-options.ts', import.meta.url));
const schemas = Object.fromEntries(
  Object.entries(recipes).map(([name, { options }]) => {
    const { $schema: _, ...schema } = z.toJSONSchema(options, { io: 'input' });
    return [name, schema];
  }),
);
const text = `/** The options of all recipes as JSON Schema. Written by scripts/write-recipe-options.mjs; a test compares. */
export const RECIPE_OPTIONS = ${JSON.stringify(schemas)} as const;\n`;
writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
