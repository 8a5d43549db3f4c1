/** What the untrained backbone makes of the same pictures: kept with the version, so that it can always be held against it. */
import { createGallery } from '../gallery/gallery.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { SafetensorsFile } from '../network/safetensors.ts';
import type { PooledPictures } from '../training/baseline.ts';
import { evaluateBaseline } from '../training/evaluation/baseline.ts';
import type { Baseline } from '../training/evaluation/baseline.ts';
import { joined } from './judge.ts';
import type { Judgement } from './judge.ts';
import type { Learnt } from './learn.ts';
import type { TrainingPlan } from './plan.ts';
import { pooledOf } from './pooled.ts';

export interface BackboneJudgement {
  /** The pictures of the version's gallery by their pooled features. */
  readonly gallery: Gallery;
  /** Null where there was nothing to judge on. */
  readonly baseline: Baseline | null;
}

/** @throws CancelledError */
export async function judgeBackbone(
  plan: TrainingPlan,
  { data, pooled }: Learnt,
  { judged }: Judgement,
): Promise<BackboneJudgement> {
  const pretrained = new SafetensorsFile(plan.context.backbone.file);
  try {
    const train = galleryOf(plan, pooled ?? (await pooledOf(plan, pretrained, data.train.pictures)));
    if (data.test === null || judged === null) return { gallery: train, baseline: null };
    const test = galleryOf(plan, await pooledOf(plan, pretrained, data.test.pictures));
    const { queries, known, answers, rule } = judged;
    const features = [train, test];
    const baseline = evaluateBaseline({ queries, gallery: known, rule, answers, features });
    return { gallery: data.heldOut ? joined(train, test) : train, baseline };
  } finally {
    pretrained.close();
  }
}

function galleryOf({ context }: TrainingPlan, { pictures, features }: PooledPictures): Gallery {
  return createGallery({
    dimensions: features.length / pictures.length,
    keys: pictures.map(({ key }) => key),
    classes: pictures.map(({ className }) => className),
    sha256: pictures.map(({ sha256 }) => sha256),
    embeddings: features,
    distance: 'cosine',
    embedder: { model: 'backbone', version: context.backbone.id },
  });
}
