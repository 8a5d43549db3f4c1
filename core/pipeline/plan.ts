/** A job's training with everything checked that can be before it begins. */
import { createHash } from 'node:crypto';
import { snapshot } from '../images/snapshot.ts';
import type { Manifest } from '../registry/manifest.ts';
import type { LoadedRecipe } from '../training/recipe.ts';
import { loadRecipe, recipeOptions } from '../training/recipes/index.ts';
import type { Resume, TrainingContext, TrainingData } from './context.ts';
import type { RequestedTraining } from './request.ts';

export interface TrainingPlan {
  readonly job: RequestedTraining;
  /** Where the job keeps its checkpoint: a prefix of keys. */
  readonly checkpointPrefix: string;
  readonly recipe: LoadedRecipe;
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
export async function planTraining(
  job: RequestedTraining,
  checkpointPrefix: string,
  data: TrainingData,
  context: TrainingContext,
  resume: Resume,
): Promise<TrainingPlan> {
  const options = recipeOptions(job.request.recipe, job.request.options);
  const recipe = await loadRecipe(job.request.recipe);
  return {
    job,
    checkpointPrefix,
    recipe,
    options,
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
