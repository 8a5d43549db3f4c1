import type { NetworkGraph } from './graph.ts';
import { resnet50 } from './resnet50.ts';

/** The pretrained network as it is, from pixels to the global average of its last map: 2048 numbers a picture, none negative. */
export function pooledResnet50(size: number): NetworkGraph {
  const pooling = { op: 'global-average-pool', name: 'pooled', inputs: ['conv5_block3_out'] } as const;
  return { inputSize: size, nodes: [...resnet50(), pooling], output: pooling.name, trainableAfter: null };
}
