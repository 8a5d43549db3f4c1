import type { Embedder } from '../core/embedding/embedder.ts';
import { tfjsEmbedder } from '../core/embedding/tfjs.ts';
import type { Preprocessing } from '../core/images/pixels.ts';
import { pooledResnet50 } from '../core/network/pooled-resnet50.ts';
import { SafetensorsFile } from '../core/network/safetensors.ts';
import type { Context } from './context.ts';
import { requireBackbone } from './training/run.ts';

const PREPROCESSING: Preprocessing = { size: 200, fit: 'squash', kernel: 'linear' };

/** The pretrained network as it is: the global average of its last map, 2048 numbers a picture. */
export function loadBackbone(context: Context, preprocessing = PREPROCESSING): Embedder {
  requireBackbone(context);
  const weights = new SafetensorsFile(context.backbone);
  return tfjsEmbedder({ graph: pooledResnet50(preprocessing.size), preprocessing, weights });
}
