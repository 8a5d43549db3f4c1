/**
 * The features that resemblance is told by: conv4_block6 and the last map of the backbone, each pooled in two ways: how
 * strongly something is there at its best place, and how much of it there is in each cell of a grid over the picture,
 * which is finer for the finer map. Each of unit length, side by side, at one or several input sizes that share the weights.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { PIXELS } from '../network/graph.ts';
import type { NetworkGraph } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import type { NetworkNode } from '../network/ops/index.ts';
import { resnet50 } from '../network/resnet50.ts';
import { tf } from '../network/tensorflow.ts';
import { takeBlock } from './mapped-rows.ts';
import { rowsInFile } from './rows-in-file.ts';
import type { MadeRows } from './rows-in-file.ts';

/** Maps by name, with their channels; the upper one is what tuning changes. */
const CHANNELS = { conv4_block6: 1024, conv5_block3: 2048 } as const;
export type MapName = keyof typeof CHANNELS;
export const MAPS = Object.keys(CHANNELS) as MapName[];
const UPPER: MapName = 'conv5_block3';

/** What is left of a map: the numbers a channel, and what makes them. */
interface Pooling {
  readonly numbers: number;
  readonly node:
    | { readonly op: 'global-max-pool' | 'global-average-pool' }
    | { readonly op: 'grid-average-pool'; readonly cells: number };
}
const grid = (cells: number): Pooling => ({ numbers: cells ** 2, node: { op: 'grid-average-pool', cells } });

/** By name. */
const POOLINGS = {
  max: (): Pooling => ({ numbers: 1, node: { op: 'global-max-pool' } }),
  cells: (map: MapName) => grid(map === UPPER ? 2 : 3),
  quarters: () => grid(2),
  ninths: () => grid(3),
  mean: (): Pooling => ({ numbers: 1, node: { op: 'global-average-pool' } }),
};
export type PoolingName = keyof typeof POOLINGS;
export const POOLING_NAMES = Object.keys(POOLINGS) as PoolingName[];
const poolingOf = (name: PoolingName, map: MapName): Pooling => POOLINGS[name](map);

/** One input size's names. */
interface Scale {
  readonly size: number;
  readonly prefix: string;
}

export interface PooledMaps {
  /** Largest first; the network's input has the first one's size. */
  readonly scales: readonly Scale[];
  readonly maps: readonly MapName[];
  readonly poolings: readonly PoolingName[];
  readonly width: number;
}

export interface PooledMapsOptions {
  /** The input's side in pixels. */
  readonly size: number;
  /** Shares of it, in any order, one of them 1. */
  readonly scales: readonly number[];
  readonly maps: readonly MapName[];
  readonly poolings: readonly PoolingName[];
}

/** What an embedding is pooled from, with names and sizes worked out; what is named twice counts once. */
export function pooledMaps({ size, scales, maps, poolings }: PooledMapsOptions): PooledMaps {
  const sizes = [...new Set(scales.map((scale) => Math.round(size * scale)))].toSorted((a, b) => b - a);
  const chosen = { maps: [...new Set(maps)], poolings: [...new Set(poolings)] };
  const numbersOf = (map: MapName): number =>
    chosen.poolings.reduce((sum, pooling) => sum + CHANNELS[map] * poolingOf(pooling, map).numbers, 0);
  return {
    ...chosen,
    scales: sizes.map((side) => ({ size: side, prefix: side === size ? '' : `at${side}/` })),
    width: sizes.length * chosen.maps.reduce((sum, map) => sum + numbersOf(map), 0),
  };
}

/** Where the trained part begins. */
export const inputOf = ({ prefix }: Scale): string => `${prefix}conv5_block1_out`;
const pooledName = ({ prefix }: Scale, map: MapName): string => `${prefix}pooled_${map}`;
const outputOf = ({ prefix }: Scale, map: MapName): string => `${prefix}${map}_out`;
const unit = (input: string): NetworkNode => ({ op: 'l2-normalize', name: `${input}_unit`, inputs: [input] });

/** A map pooled in every way: the node of that name, and those it is made of. */
function pooled({ poolings }: PooledMaps, scale: Scale, map: MapName): NetworkNode[] {
  const [input, name] = [outputOf(scale, map), pooledName(scale, map)];
  const parts = poolings.map((pooling): NetworkNode => {
    return { ...poolingOf(pooling, map).node, name: `${name}_${pooling}`, inputs: [input] };
  });
  return [
    ...parts,
    ...parts.map((part) => unit(part.name)),
    { op: 'concat', name, inputs: parts.map((part) => `${part.name}_unit`) },
  ];
}

function branch(pools: PooledMaps, scale: Scale, inputSize: number): NetworkNode[] {
  const { prefix, size } = scale;
  const resized = `${prefix}pixels`;
  const resize: NetworkNode[] =
    size === inputSize ? [] : [{ op: 'resize', name: resized, inputs: [PIXELS], size }];
  return [
    ...resize,
    ...resnet50({ prefix, input: size === inputSize ? PIXELS : resized }),
    ...pools.maps.flatMap((map) => pooled(pools, scale, map)),
  ];
}

/** The frozen network, and its nodes that are worth keeping: maps to tune from, and what tuning does not change, pooled. */
export function frozenMaps(pools: PooledMaps): { graph: NetworkGraph; nodes: string[] } {
  const { scales, maps } = pools;
  const first = scales[0] as Scale;
  const lower = maps.filter((map) => map !== UPPER);
  return {
    graph: {
      inputSize: first.size,
      nodes: scales.flatMap((scale) => branch(pools, scale, first.size)),
      output: pooledName(first, maps[0] as MapName),
      trainableAfter: null,
    },
    nodes: scales.flatMap((scale) => [inputOf(scale), ...lower.map((map) => pooledName(scale, map))]),
  };
}

/** The network whose loss is minimised: the plain mean of the upper map at the smallest size, of unit length. */
export function tunedMap(pools: PooledMaps): NetworkGraph & { readonly from: string } {
  const smallest = pools.scales.at(-1) as Scale;
  const tuned = 'tuned';
  const nodes: NetworkNode[] = [
    ...branch(pools, smallest, smallest.size),
    { op: 'global-average-pool', name: tuned, inputs: [outputOf(smallest, UPPER)] },
    unit(tuned),
  ];
  const from = inputOf(smallest);
  return { inputSize: smallest.size, nodes, output: `${tuned}_unit`, trainableAfter: from, from };
}

/** The network that answers: all maps, whitened to `dimensions` numbers by the weights `whitening`, of unit length. */
export function whitenedMaps(pools: PooledMaps, dimensions: number): NetworkGraph {
  const { scales, maps, width } = pools;
  const inputSize = (scales[0] as Scale).size;
  const nodes: NetworkNode[] = [
    ...scales.flatMap((scale) => branch(pools, scale, inputSize)),
    {
      op: 'concat',
      name: 'maps',
      inputs: scales.flatMap((scale) => maps.map((map) => pooledName(scale, map))),
    },
    { op: 'dense', name: 'whitening', inputs: ['maps'], units: Math.min(dimensions, width) },
    { op: 'l2-normalize', name: 'embedding', inputs: ['whitening'] },
  ];
  return { inputSize, nodes, output: 'embedding', trainableAfter: null };
}

/**
 * The features of every picture from what is kept of the frozen network and the tuned part as it is now.
 * @param network made from {@link tunedMap}; its weights serve every size
 * @param features by node of {@link frozenMaps}
 * @param folder see {@link rowsInFile} @returns (pictures, width)
 */
export function mapFeatures(
  { scales, maps, width }: PooledMaps,
  network: Network,
  features: Readonly<Record<string, Tensor>>,
  folder: string | undefined,
): MadeRows {
  const smallest = scales.at(-1) as Scale;
  const [given, tuned] = [inputOf(smallest), pooledName(smallest, UPPER)];
  const upper = (rows: Tensor): Tensor => network.forward({ [given]: rows }, [tuned])[tuned] as Tensor;
  return rowsInFile(folder, [features[given]?.shape[0] ?? 0, width], (start, count) => {
    const keptOf = (node: string): Tensor => takeBlock(features[node] as Tensor, start, count);
    const columns = scales.flatMap((scale) =>
      maps.map((map) => (map === UPPER ? upper(keptOf(inputOf(scale))) : keptOf(pooledName(scale, map)))),
    );
    return tf.concat(columns, 1) as Tensor2D;
  });
}
