/** ResNet50 without its top (He et al. 2016, in the layout and with the names of keras.applications). */
import type { NetworkNode } from './ops/index.ts';

const EPSILON = 1.001e-5;

function conv(
  name: string,
  input: string,
  filters: number,
  options: { size?: number; stride?: number; relu?: boolean } = {},
): NetworkNode {
  const size = options.size ?? 1;
  return {
    op: 'conv',
    name: `${name}_conv`,
    batchNorm: `${name}_bn`,
    inputs: [input],
    filters,
    size,
    stride: options.stride ?? 1,
    padding: (size - 1) / 2,
    epsilon: EPSILON,
    relu: options.relu ?? true,
  };
}

/** A bottleneck: 1x1, 3x3, 1x1, added to its input, which the first block of a stage projects. */
function block(
  name: string,
  input: string,
  filters: number,
  stride: number,
  project: boolean,
): NetworkNode[] {
  const shortcut = project ? [conv(`${name}_0`, input, 4 * filters, { stride, relu: false })] : [];
  return [
    ...shortcut,
    conv(`${name}_1`, input, filters, { stride }),
    conv(`${name}_2`, `${name}_1_conv`, filters, { size: 3 }),
    conv(`${name}_3`, `${name}_2_conv`, 4 * filters, { relu: false }),
    {
      op: 'add',
      name: `${name}_out`,
      inputs: [project ? `${name}_0_conv` : input, `${name}_3_conv`],
      relu: true,
    },
  ];
}

/** From `pixels` (RGB, 0..255) to `conv5_block3_out`: 23,587,712 weights. */
export function resnet50(): NetworkNode[] {
  const nodes: NetworkNode[] = [
    { op: 'caffe-preprocess', name: 'preprocess', inputs: ['pixels'] },
    conv('conv1', 'preprocess', 64, { size: 7, stride: 2 }),
    { op: 'max-pool', name: 'pool1_pool', inputs: ['conv1_conv'], size: 3, stride: 2, padding: 1 },
  ];
  let input = 'pool1_pool';
  for (const [stage, blocks, filters] of [
    [2, 3, 64],
    [3, 4, 128],
    [4, 6, 256],
    [5, 3, 512],
  ] as const) {
    for (let i = 1; i <= blocks; i++) {
      const name = `conv${stage}_block${i}`;
      nodes.push(...block(name, input, filters, i === 1 && stage > 2 ? 2 : 1, i === 1));
      input = `${name}_out`;
    }
  }
  return nodes;
}
