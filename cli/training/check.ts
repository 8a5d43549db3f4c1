import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import type { DataCheck } from '../../core/training/data-check/index.ts';
import type { Context } from '../context.ts';
import { openTrainingData } from './data.ts';
import { trainingReport } from './progress.ts';
import { requireBackbone } from './run.ts';

/** Looks at the pictures of a request as the training would. @throws as a training does before it begins */
export async function checkRequested(context: Context, request: TrainingRequest): Promise<DataCheck> {
  requireBackbone(context);
  const data = await openTrainingData(context, request);
  const [{ checkDataSets }, { loadRecipe, recipeOptions }] = await Promise.all([
    import('../../core/pipeline/data-check.ts'),
    import('../../core/training/recipes/index.ts'),
  ]);
  const options = recipeOptions(request.recipe, request.options);
  const recipe = await loadRecipe(request.recipe);
  const featuresFolder = path.join(context.cache, 'features');
  await mkdir(featuresFolder, { recursive: true });
  const { report, end } = trainingReport(context.terminal);
  const { backbone } = context;
  try {
    return await checkDataSets({ recipe, options, data, context: { backbone, featuresFolder, report } });
  } finally {
    end();
  }
}
