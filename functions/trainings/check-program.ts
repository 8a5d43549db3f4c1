/**
 * Says whether a recipe takes some options: recipes bring TensorFlow, which a process that answers does without.
 * Run with one argument, {"recipe", "options"} as JSON; prints {"problem": null} or what is wrong.
 */
import { KindredError } from '../../core/errors.ts';
import { parseOptions } from '../../core/training/losses/options.ts';
import { recipeNamed } from '../../core/training/recipes/index.ts';

const asked = JSON.parse(process.argv[2] ?? '{}') as { recipe: string; options: unknown };
let problem: string | null = null;
try {
  const recipe = recipeNamed(asked.recipe);
  parseOptions(recipe.options, asked.options, `the recipe ${recipe.name}`);
} catch (error) {
  if (!(error instanceof KindredError)) throw error;
  problem = error.message;
}
process.stdout.write(JSON.stringify({ problem }));
