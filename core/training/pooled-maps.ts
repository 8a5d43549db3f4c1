/**
 * The features that resemblance is told by: conv4_block6 and the last map of the backbone, each pooled in two ways: how
 * strongly something is there at its best place, and how much of it there is in each quarter of the picture. Each of unit
 * length, side by side, at one or several input sizes that share the weights.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { PIXELS } from '../network/graph.ts';
import type { NetworkGraph } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import type { NetworkNode } from '../network/ops/index.ts';
import { resnet50 } from '../network/resnet50.ts';
import { tf } from '../network/tensorflow.ts';
import { embedRows } from './step.ts';

/** Quarters. */
const CELLS = 2;
/** Numbers of one channel, pooled: its maximum, and its mean in each cell. */
const PER_CHANNEL = 1 + CELLS ** 2;
const CHANNELS = { conv4_block6_out: 1024, conv5_block3_out: 2048 } as const;

/** One input size's names. */
interface Scale {
  readonly size: number;
  readonly prefix: string;
}

export interface PooledMaps {
  /** Largest first; the network's input has the first one's size. */
  readonly scales: readonly Scale[];
  readonly width: number;
}

/** @param size the input's side in pixels @param scales shares of it, in any order, one of them 1 */
export function pooledMapsAt(size: number, scales: readonly number[]): PooledMaps {
  const sizes = [...new Set(scales.map((scale) => Math.round(size * scale)))].toSorted((a, b) => b - a);
  const channels = CHANNELS.conv4_block6_out + CHANNELS.conv5_block3_out;
  return {
    scales: sizes.map((side) => ({ size: side, prefix: side === size ? '' : `at${side}/` })),
    width: sizes.length * channels * PER_CHANNEL,
  };
}

/** Where the trained part begins. */
export const inputOf = ({ prefix }: Scale): string => `${prefix}conv5_block1_out`;
const upperOf = ({ prefix }: Scale): string => `${prefix}pooled_conv5`;
const lowerOf = ({ prefix }: Scale): string => `${prefix}pooled_conv4`;

/** A map pooled in every way: the node of that name, and those it is made of. */
function pooled(map: string, name: string): NetworkNode[] {
  const [max, cells] = [`${name}_max`, `${name}_cells`];
  return [
    { op: 'global-max-pool', name: max, inputs: [map] },
    { op: 'grid-average-pool', name: cells, inputs: [map], cells: CELLS },
    ...[max, cells].map(unit),
    { op: 'concat', name, inputs: [max, cells].map((each) => `${each}_unit`) },
  ];
}

const unit = (input: string): NetworkNode => ({ op: 'l2-normalize', name: `${input}_unit`, inputs: [input] });

function branch(scale: Scale, inputSize: number): NetworkNode[] {
  const { prefix, size } = scale;
  const resized = `${prefix}pixels`;
  const resize: NetworkNode[] =
    size === inputSize ? [] : [{ op: 'resize', name: resized, inputs: [PIXELS], size }];
  return [
    ...resize,
    ...resnet50({ prefix, input: size === inputSize ? PIXELS : resized }),
    ...pooled(`${prefix}conv4_block6_out`, lowerOf(scale)),
    ...pooled(`${prefix}conv5_block3_out`, upperOf(scale)),
  ];
}

/** The frozen network, and its nodes that are worth keeping: maps to tune from, and the lower map pooled. */
export function frozenMaps({ scales }: PooledMaps): { graph: NetworkGraph; nodes: string[] } {
  const inputSize = (scales[0] as Scale).size;
  return {
    graph: {
      inputSize,
      nodes: scales.flatMap((scale) => branch(scale, inputSize)),
      output: upperOf(scales[0] as Scale),
      trainableAfter: null,
    },
    nodes: scales.flatMap((scale) => [inputOf(scale), lowerOf(scale)]),
  };
}

/** The network whose loss is minimised: the plain mean of the last map at the smallest size, of unit length. */
export function tunedMap({ scales }: PooledMaps): NetworkGraph & { readonly from: string } {
  const smallest = scales.at(-1) as Scale;
  const mean = 'mean_conv5';
  const nodes: NetworkNode[] = [
    ...branch(smallest, smallest.size),
    { op: 'global-average-pool', name: mean, inputs: [`${smallest.prefix}conv5_block3_out`] },
    unit(mean),
  ];
  const from = inputOf(smallest);
  return { inputSize: smallest.size, nodes, output: `${mean}_unit`, trainableAfter: from, from };
}

/** The network that answers: all maps, whitened to `dimensions` numbers by the weights `whitening`, of unit length. */
export function whitenedMaps(maps: PooledMaps, dimensions: number): NetworkGraph {
  const inputSize = (maps.scales[0] as Scale).size;
  const inputs = maps.scales.flatMap((scale) => [upperOf(scale), lowerOf(scale)]);
  const nodes: NetworkNode[] = [
    ...maps.scales.flatMap((scale) => branch(scale, inputSize)),
    { op: 'concat', name: 'maps', inputs },
    { op: 'dense', name: 'whitening', inputs: ['maps'], units: Math.min(dimensions, maps.width) },
    { op: 'l2-normalize', name: 'embedding', inputs: ['whitening'] },
  ];
  return { inputSize, nodes, output: 'embedding', trainableAfter: null };
}

/**
 * The features of every picture from what is kept of the frozen network and the tuned part as it is now.
 * @param network made from {@link tunedMap}; its weights serve every size
 * @param features by node of {@link frozenMaps} @returns (pictures, width)
 */
export function mapFeatures(
  { scales }: PooledMaps,
  network: Network,
  features: Readonly<Record<string, Tensor>>,
): Tensor2D {
  const smallest = scales.at(-1) as Scale;
  return tf.tidy(() => {
    const columns = scales.flatMap((scale) => {
      const maps = features[inputOf(scale)] as Tensor;
      return [
        embedRows(network, inputOf(smallest), maps, upperOf(smallest)),
        features[lowerOf(scale)] as Tensor2D,
      ];
    });
    return tf.concat(columns, 1) as Tensor2D;
  });
}
