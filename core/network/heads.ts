/** What stands on the backbone. Each gives the nodes to append; the last one's output is the embedding. */
import type { NetworkNode } from './ops/index.ts';

/** Flatten > Dense 512 > BN > Dense 256 > BN > Dense 256: the seed's head, on `input`. */
export function siameseHead(input: string): NetworkNode[] {
  const epsilon = 1e-3;
  return [
    { op: 'flatten', name: 'flatten', inputs: [input] },
    { op: 'dense', name: 'dense_1', inputs: ['flatten'], units: 512, relu: true },
    { op: 'batch-norm', name: 'batch_norm_1', inputs: ['dense_1'], epsilon },
    { op: 'dense', name: 'dense_2', inputs: ['batch_norm_1'], units: 256, relu: true },
    { op: 'batch-norm', name: 'batch_norm_2', inputs: ['dense_2'], epsilon },
    { op: 'dense', name: 'dense_3', inputs: ['batch_norm_2'], units: 256 },
  ];
}
