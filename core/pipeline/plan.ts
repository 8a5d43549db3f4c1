/** A job's training with everything checked that can be before it begins. */
import { createHash } from 'node:crypto';
import { snapshot } from '../images/snapshot.ts';
import type { Manifest } from '../registry/manifest.ts';
import { parseOptions } from '../training/losses/options.ts';
import type { Recipe } from '../training/recipe.ts';
import { recipeNamed } from '../training/recipes/index.ts';
import type { Resume, TrainingContext, TrainingData } from './context.ts';
import type { TrainingJob } from '../jobs/job.ts';

export interface TrainingPlan {
  readonly job: TrainingJob;
  readonly recipe: Recipe;
  /** All options of the recipe. */
  readonly options: Manifest['recipe']['options'];
  readonly data: TrainingData;
  readonly context: TrainingContext;
  readonly resume: Resume;
  /** When this attempt began, in milliseconds of {@link performance.now}. */
  readonly began: number;
}

/** What of a plan the data are looked at with. */
export interface DataPlan extends Pick<TrainingPlan, 'recipe' | 'options' | 'data'> {
  readonly context: Pick<
    TrainingContext,
    'backbone' | 'featuresFolder' | 'featuresBytes' | 'signal' | 'report'
  >;
}

/** @throws InvalidInputError when there is no such recipe, or it has no such options */
export function planTraining(
  job: TrainingJob,
  data: TrainingData,
  context: TrainingContext,
  resume: Resume,
): TrainingPlan {
  const recipe = recipeNamed(job.request.recipe);
  const options = parseOptions(recipe.options, job.request.options, `the recipe ${recipe.name}`);
  return {
    job,
    recipe,
    options: options as TrainingPlan['options'],
    data,
    context,
    resume,
    began: performance.now(),
  };
}

/** What a checkpoint belongs to: going on with other pictures or options would be another training. */
export function identityOf({ job, recipe, options, data, context }: TrainingPlan): string {
  const identity = {
    recipe: recipe.name,
    seed: job.request.seed,
    options,
    train: snapshot(data.train).digest,
    test: data.test && snapshot(data.test).digest,
    backbone: context.backbone.id,
  };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
