import type { Embedder } from '../core/embedding/embedder.ts';
import { tfjsEmbedder } from '../core/embedding/tfjs.ts';
import { resnet50 } from '../core/network/resnet50.ts';
import { SafetensorsFile } from '../core/network/safetensors.ts';
import type { Context } from './context.ts';
import { requireBackbone } from './training/run.ts';

const SIZE = 200;

/** The pretrained network as it is: the global average of its last map, 2048 numbers a picture. */
export function loadBackbone(context: Context): Embedder {
  requireBackbone(context);
  const pooling = { op: 'global-average-pool', name: 'pooled', inputs: ['conv5_block3_out'] } as const;
  return tfjsEmbedder({
    graph: { inputSize: SIZE, nodes: [...resnet50(), pooling], output: pooling.name, trainableAfter: null },
    preprocessing: { size: SIZE, fit: 'squash', kernel: 'linear' },
    weights: new SafetensorsFile(context.backbone),
  });
}
