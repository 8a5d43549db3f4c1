/**
 * The features that resemblance is told by: the pooled map of conv4_block6 and the last pooled map, each of unit
 * length, side by side, at one or several input sizes that share the backbone's weights.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { PIXELS } from '../network/graph.ts';
import type { NetworkGraph } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import type { NetworkNode } from '../network/ops/index.ts';
import { unitLength } from '../network/ops/l2-normalize.ts';
import { resnet50 } from '../network/resnet50.ts';
import { tf } from '../network/tensorflow.ts';
import { embedRows } from './step.ts';

/** Numbers of both maps at one size. */
const WIDTH = 2048 + 1024;

/** One input size's names. */
interface Scale {
  readonly size: number;
  readonly prefix: string;
}

export interface TwoMaps {
  /** Largest first; the network's input has the first one's size. */
  readonly scales: readonly Scale[];
  readonly width: number;
}

/** @param size the input's side in pixels @param scales shares of it, in any order, one of them 1 */
export function twoMapsAt(size: number, scales: readonly number[]): TwoMaps {
  const sizes = [...new Set(scales.map((scale) => Math.round(size * scale)))].toSorted((a, b) => b - a);
  return {
    scales: sizes.map((side) => ({ size: side, prefix: side === size ? '' : `at${side}/` })),
    width: sizes.length * WIDTH,
  };
}

/** Where the trained part begins. */
export const inputOf = ({ prefix }: Scale): string => `${prefix}conv5_block1_out`;
const upperOf = ({ prefix }: Scale): string => `${prefix}pooled_conv5`;
const lowerOf = ({ prefix }: Scale): string => `${prefix}pooled_conv4`;
const unit = (input: string): NetworkNode => ({ op: 'l2-normalize', name: `${input}_unit`, inputs: [input] });

function branch(scale: Scale, inputSize: number): NetworkNode[] {
  const { prefix, size } = scale;
  const resized = `${prefix}pixels`;
  const resize: NetworkNode[] =
    size === inputSize ? [] : [{ op: 'resize', name: resized, inputs: [PIXELS], size }];
  return [
    ...resize,
    ...resnet50({ prefix, input: size === inputSize ? PIXELS : resized }),
    { op: 'global-average-pool', name: lowerOf(scale), inputs: [`${prefix}conv4_block6_out`] },
    { op: 'global-average-pool', name: upperOf(scale), inputs: [`${prefix}conv5_block3_out`] },
  ];
}

/** The frozen network, and its nodes that are worth keeping: maps to tune from, and the lower pooled map. */
export function frozenMaps({ scales }: TwoMaps): { graph: NetworkGraph; nodes: string[] } {
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

/** The network whose loss is minimised: the last pooled map at the smallest size, of unit length. */
export function tunedMap({ scales }: TwoMaps): NetworkGraph & { readonly from: string } {
  const smallest = scales.at(-1) as Scale;
  const nodes = [...branch(smallest, smallest.size), unit(upperOf(smallest))];
  const from = inputOf(smallest);
  return { inputSize: smallest.size, nodes, output: `${upperOf(smallest)}_unit`, trainableAfter: from, from };
}

/** The network that answers: all maps, whitened to `dimensions` numbers by the weights `whitening`, of unit length. */
export function whitenedMaps(maps: TwoMaps, dimensions: number): NetworkGraph {
  const inputSize = (maps.scales[0] as Scale).size;
  const pooled = maps.scales.flatMap((scale) => [upperOf(scale), lowerOf(scale)]);
  const nodes: NetworkNode[] = [
    ...maps.scales.flatMap((scale) => branch(scale, inputSize)),
    ...pooled.map(unit),
    { op: 'concat', name: 'maps', inputs: pooled.map((name) => `${name}_unit`) },
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
  { scales }: TwoMaps,
  network: Network,
  features: Readonly<Record<string, Tensor>>,
): Tensor2D {
  const smallest = scales.at(-1) as Scale;
  return tf.tidy(() => {
    const columns = scales.flatMap((scale) => {
      const lower = features[lowerOf(scale)] as Tensor2D;
      return [embedRows(network, inputOf(smallest), features[inputOf(scale)] as Tensor), unitLength(lower)];
    });
    return tf.concat(columns, 1) as Tensor2D;
  });
}
