import type { Embedder } from '../core/embedding/embedder.ts';
import { tfjsEmbedder } from '../core/embedding/tfjs.ts';
import { pooledBackbone } from '../core/network/backbones/backbone.ts';
import { SafetensorsFile } from '../core/network/safetensors.ts';
import type { Context } from './context.ts';
import { requireBackbone } from './training/run.ts';

/** The pretrained network as it is: the global average of its last map. */
export function loadBackbone(context: Context, preprocessing = context.backbone.preprocessing): Embedder {
  requireBackbone(context);
  const { backbone } = context;
  const weights = new SafetensorsFile(backbone.file);
  return tfjsEmbedder({ graph: pooledBackbone(backbone, preprocessing.size), preprocessing, weights });
}
