import { z } from '@hono/zod-openapi';
import { optionsAsJsonSchema } from '../../core/training/options.ts';
import { DEFAULT_RECIPE, recipes } from '../../core/training/recipes/index.ts';
import { route } from '../http/route.ts';
import { answer, problems, router } from '../http/router.ts';

const recipeSchema = z
  .object({
    name: z.string(),
    summary: z.string(),
    isDefault: z.boolean().meta({ description: 'Whether a training without "recipe" uses it.' }),
    options: z
      .record(z.string(), z.unknown())
      .meta({ description: 'JSON Schema of the field "options" of a training, with defaults.' }),
  })
  .openapi('Recipe');

const list = route({
  method: 'get',
  path: '/recipes',
  scope: 'read',
  tag: 'trainings',
  summary: 'List the recipes with their options',
  responses: {
    200: answer('All recipes.', z.object({ recipes: z.array(recipeSchema) })),
    ...problems(),
  },
});

/** What trainings can be run with. */
export function recipeRoutes() {
  return router().openapi(list, (c) => {
    const shown = Object.values(recipes).map(({ name, summary, options }) => ({
      name,
      summary,
      isDefault: name === DEFAULT_RECIPE,
      options: { ...optionsAsJsonSchema(options) },
    }));
    return c.json({ recipes: shown }, 200);
  });
}
