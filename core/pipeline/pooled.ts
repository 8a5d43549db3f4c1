/** The pretrained backbone's pooled features of a training's pictures, at its size, from the cache where they are there. */
import type { Picture } from '../images/dataset.ts';
import type { SafetensorsFile } from '../network/safetensors.ts';
import { pooledFromPictures } from '../training/baseline.ts';
import type { PooledPictures } from '../training/baseline.ts';
import type { DataPlan } from './plan.ts';

/** @throws CancelledError */
export function pooledOf(
  { recipe, options, context }: DataPlan,
  pretrained: SafetensorsFile,
  pictures: readonly Picture[],
): Promise<PooledPictures> {
  const { featuresFolder, featuresBytes, signal, report } = context;
  return pooledFromPictures(
    { backbone: context.backbone, pretrained },
    {
      weightsId: context.backbone.id,
      preprocessing: recipe.preprocessing(options),
      pictures,
      folder: featuresFolder,
      cacheBytes: featuresBytes,
      signal,
      onProgress: (done, total) => report({ phase: 'features', done, total }),
    },
  );
}
