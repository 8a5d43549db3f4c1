/** Looking for faults of the data before a training, with what the training computes anyway. */
import { z } from 'zod';
import { withoutPictures } from '../images/dataset.ts';
import { SafetensorsFile } from '../network/safetensors.ts';
import { encode, readDocument } from '../registry/documents.ts';
import { pooledFromKept } from '../training/baseline.ts';
import type { PooledPictures } from '../training/baseline.ts';
import { checkData, dataCheckSchema, summaryOf } from '../training/data-check/index.ts';
import type { DataCheck } from '../training/data-check/index.ts';
import { prepareParts } from './parts.ts';
import type { Parts } from './parts.ts';
import { identityOf } from './plan.ts';
import type { DataPlan, TrainingPlan } from './plan.ts';
import { pooledOf } from './pooled.ts';

export interface CheckedData {
  readonly check: DataCheck;
  /** The backbone's features of what is learnt from; whoever has them need not compute them again. */
  readonly pooled: PooledPictures;
}

/**
 * Checks the data for faults; the features that it computes are kept for a training on the same images.
 * @throws CancelledError; InvalidInputError when too few pictures can be decoded
 */
export async function checkDataSets(plan: DataPlan): Promise<DataCheck> {
  const pretrained = new SafetensorsFile(plan.context.backbone.file);
  try {
    const parts = await prepareParts(partsRequest(plan, pretrained));
    try {
      return (await checkPrepared(plan, parts, pretrained)).check;
    } finally {
      parts.dispose();
    }
  } finally {
    pretrained.close();
  }
}

/** What {@link prepareParts} is asked for. */
export function partsRequest({ recipe, options, data, context }: DataPlan, pretrained: SafetensorsFile) {
  const { backbone, featuresFolder: folder, featuresBytes: cacheBytes, signal, report } = context;
  const validation = recipe.validates ? data.test : null;
  const { train, same } = data;
  const files = { folder, cacheBytes };
  return { recipe, options, backbone, pretrained, train, validation, same, ...files, signal, report };
}

/** The backbone's features of what is learnt from, as far as they come with those of the recipe. */
export async function pooledOfKept(
  { recipe, options, data, context }: DataPlan,
  { train, rejected }: Parts,
  pretrained: SafetensorsFile,
): Promise<PooledPictures | null> {
  const features = await pooledFromKept(
    { backbone: context.backbone, pretrained },
    recipe.preprocessing(options),
    train.features,
  );
  return features && { pictures: withoutPictures(data.train, rejected.train).pictures, features };
}

async function checkPrepared(
  plan: DataPlan,
  parts: Parts,
  pretrained: SafetensorsFile,
): Promise<CheckedData> {
  const { test } = plan.data;
  const train = withoutPictures(plan.data.train, parts.rejected.train);
  const pooled =
    (await pooledOfKept(plan, parts, pretrained)) ?? (await pooledOf(plan, pretrained, train.pictures));
  const check = await checkData({
    training: { ...pooled, problems: train.problems },
    test: test && { ...(await pooledOf(plan, pretrained, test.pictures)), problems: test.problems },
  });
  return { check, pooled };
}

/**
 * Looks for faults and tells of them, or finds what an attempt before found.
 * @returns null where nobody wants it
 */
export async function checkTraining(
  plan: TrainingPlan,
  parts: Parts,
  pretrained: SafetensorsFile,
): Promise<{ readonly check: DataCheck; readonly pooled: PooledPictures | null } | null> {
  const { context } = plan;
  if (context.check === false) return null;
  const earlier = await earlierCheck(plan);
  if (earlier !== null) return { check: earlier, pooled: null };
  const checked = await checkPrepared(plan, parts, pretrained);
  for (const text of summaryOf(checked.check)) context.report({ phase: 'note', text });
  const found = { identity: identityOf(plan), check: checked.check };
  await context.registry.store.put(checkKey(plan), encode(found));
  return checked;
}

/** Goes with the checkpoint when the version is published. */
const checkKey = ({ checkpointPrefix }: TrainingPlan): string => `${checkpointPrefix}data-check.json`;

async function earlierCheck(plan: TrainingPlan): Promise<DataCheck | null> {
  if (plan.resume === 'no') return null;
  const schema = z.strictObject({ identity: z.string(), check: dataCheckSchema });
  const found = await readDocument(plan.context.registry.store, checkKey(plan), schema);
  return found?.value.identity === identityOf(plan) ? found.value.check : null;
}
