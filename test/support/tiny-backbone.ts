/** A second backbone: three convolutions, with weights drawn at random. */
import path from 'node:path';
import type { LocalBackbone } from '../../core/network/backbones/backbone.ts';
import { PIXELS, parametersOf } from '../../core/network/graph.ts';
import type { NetworkNode } from '../../core/network/ops/index.ts';
import { writeSafetensors } from '../../core/network/safetensors.ts';
import { smallWeights } from '../core/network/small.ts';

const conv = (name: string, input: string, filters: number, stride: number, prefix: string): NetworkNode => ({
  op: 'conv',
  name: `${prefix}${name}`,
  weights: name,
  batchNorm: `${name}_bn`,
  inputs: [input],
  filters,
  size: 3,
  stride,
  padding: 1,
  epsilon: 1e-3,
  relu: true,
});

const tiny: Omit<LocalBackbone, 'file'> = {
  id: 'tiny',
  nodes: ({ input = PIXELS, prefix = '' } = {}) => [
    { op: 'caffe-preprocess', name: `${prefix}centred`, inputs: [input] },
    conv('low', `${prefix}centred`, 8, 4, prefix),
    conv('middle', `${prefix}low`, 12, 2, prefix),
    conv('high', `${prefix}middle`, 16, 1, prefix),
  ],
  maps: { fine: { node: 'middle', channels: 12 }, coarse: { node: 'high', channels: 16 } },
  tunedAfter: 'middle',
  preprocessing: { size: 32, fit: 'squash', kernel: 'linear' },
  weights: { source: 'drawn at random', license: 'CC0-1.0' },
};

/** Writes the weights into the folder. */
export async function tinyBackbone(folder: string): Promise<LocalBackbone> {
  const file = path.join(folder, 'tiny.safetensors');
  const graph = { inputSize: 32, nodes: tiny.nodes(), output: 'high', trainableAfter: null };
  await writeSafetensors(
    file,
    parametersOf(graph).map((spec) => ({
      name: spec.name,
      shape: spec.shape,
      pieces: () => [smallWeights(spec, 0, spec.shape[0] ?? 1)],
    })),
  );
  return { ...tiny, file };
}
