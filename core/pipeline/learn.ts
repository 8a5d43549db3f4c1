/** From data sets to a trained network in files. Nothing of the training is in memory afterwards. */
import { join } from 'node:path';
import { withoutPictures } from '../images/dataset.ts';
import { SafetensorsFile } from '../network/safetensors.ts';
import { saveNetwork } from '../network/saved-network.ts';
import { NETWORK_FILE } from './network-files.ts';
import type { Checkpoints } from '../training/checkpoint.ts';
import type { PooledPictures } from '../training/baseline.ts';
import type { DataCheck } from '../training/data-check/index.ts';
import type { TrainedNetwork } from '../training/recipe.ts';
import type { TrainingContext, TrainingData } from './context.ts';
import { checkTraining, partsRequest, pooledOfKept } from './data-check.ts';
import { prepareParts } from './parts.ts';
import type { Parts } from './parts.ts';
import type { TrainingPlan } from './plan.ts';

export interface Learnt extends Pick<
  TrainedNetwork,
  'curve' | 'epoch' | 'leftOut' | 'pairs' | 'rule' | 'tried' | 'collapse'
> {
  /** What was learnt from: without the pictures that could not be decoded after all. */
  readonly data: TrainingData;
  /** The untrained backbone's features of what was learnt from, if they came with those that the recipe learns from. */
  readonly pooled: PooledPictures | null;
  /** Faults of the data that were found before; null: nobody looked. */
  readonly dataCheck: DataCheck | null;
}

/**
 * Trains and saves the network into the folder.
 * @throws CancelledError, DivergedError; a checkpoint is kept
 */
export async function learn(plan: TrainingPlan, checkpoints: Checkpoints, folder: string): Promise<Learnt> {
  const { context } = plan;
  const pretrained = new SafetensorsFile(context.backbone.file);
  try {
    const parts = await prepareParts(partsRequest(plan, pretrained));
    try {
      tellRejected([...parts.rejected.train, ...parts.rejected.validation], context);
      const checked = await checkTraining(plan, parts, pretrained);
      const pooled = checked?.pooled ?? (await pooledOfKept(plan, parts, pretrained));
      const trained = await learnFrom(parts, plan, pretrained, checkpoints, folder);
      return { ...trained, pooled, dataCheck: checked?.check ?? null };
    } finally {
      parts.dispose();
    }
  } finally {
    pretrained.close();
  }
}

async function learnFrom(
  { train, validation, rejected }: Parts,
  { recipe, options, data, context, job, resume }: TrainingPlan,
  pretrained: SafetensorsFile,
  checkpoints: Checkpoints,
  folder: string,
): Promise<Omit<Learnt, 'pooled' | 'dataCheck'>> {
  const { checkpointSeconds, signal, report } = context;
  const { seed } = job.request;
  const trained = await recipe.train(options, {
    backbone: context.backbone,
    pretrained,
    train,
    validation,
    seed,
    scratch: context.featuresFolder,
    checkpoints,
    resume,
    checkpointSeconds,
    signal,
    report,
  });
  try {
    const description = { graph: trained.graph, preprocessing: recipe.preprocessing(options) };
    await saveNetwork(join(folder, NETWORK_FILE), description, trained.weights);
    const { curve, epoch, leftOut, pairs, rule = 'nearest', tried = [], collapse = null } = trained;
    const learntFrom = { ...data, train: withoutPictures(data.train, rejected.train) };
    return {
      data: learntFrom,
      curve,
      epoch,
      collapse,
      rule,
      tried,
      ...(leftOut && { leftOut }),
      ...(pairs && { pairs }),
    };
  } finally {
    trained.dispose();
  }
}

function tellRejected(rejected: Parts['rejected']['train'], { report }: TrainingContext): void {
  for (const { picture, reason } of rejected) {
    report({ phase: 'note', text: `${picture.key} is left out: ${reason}` });
  }
}
