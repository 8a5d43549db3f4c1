/**
 * The features that resemblance is told by: maps of the backbone, each pooled in two ways: how
 * strongly something is there at its best place, and how much of it there is in each cell of a grid over the picture,
 * which is finer for the finer map. Each of unit length, side by side, at one or several input sizes that share the weights.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { lastMap, lastMapName, mapNamed } from '../network/backbones/backbone.ts';
import type { Backbone } from '../network/backbones/backbone.ts';
import { PIXELS } from '../network/graph.ts';
import type { NetworkGraph } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import type { NetworkNode } from '../network/ops/index.ts';

import { tf } from '../network/tensorflow.ts';
import { takeBlock } from './mapped-rows.ts';
import { rowsInFile } from './rows-in-file.ts';
import type { MadeRows } from './rows-in-file.ts';

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
  cells: (isLast: boolean) => grid(isLast ? 2 : 3),
  quarters: () => grid(2),
  ninths: () => grid(3),
  mean: (): Pooling => ({ numbers: 1, node: { op: 'global-average-pool' } }),
};
export type PoolingName = keyof typeof POOLINGS;
export const POOLING_NAMES = Object.keys(POOLINGS) as PoolingName[];

/** How a map is pooled; the last map of a backbone is the coarsest. */
function poolingOf(backbone: Backbone, name: PoolingName, map: string): Pooling {
  return POOLINGS[name](map === lastMapName(backbone));
}

/** One input size's names. */
interface Scale {
  readonly size: number;
  readonly prefix: string;
}

export interface PooledMaps {
  readonly backbone: Backbone;
  /** Largest first; the network's input has the first one's size. */
  readonly scales: readonly Scale[];
  readonly maps: readonly string[];
  readonly poolings: readonly PoolingName[];
  readonly width: number;
}

export interface PooledMapsOptions {
  /** The input's side in pixels. */
  readonly size: number;
  /** Shares of it, in any order, one of them 1. */
  readonly scales: readonly number[];
  /** Names of the backbone's maps; none: all of them. */
  readonly maps: readonly string[];
  readonly poolings: readonly PoolingName[];
}

/**
 * What an embedding is pooled from, with names and sizes worked out; what is named twice counts once.
 * @throws InvalidInputError when the backbone has no such map
 */
export function pooledMaps(
  backbone: Backbone,
  { size, scales, maps, poolings }: PooledMapsOptions,
): PooledMaps {
  const sizes = [...new Set(scales.map((scale) => Math.round(size * scale)))].toSorted((a, b) => b - a);
  const names = maps.length > 0 ? maps : Object.keys(backbone.maps);
  const chosen = { maps: [...new Set(names)], poolings: [...new Set(poolings)] };
  const numbersOf = (map: string): number =>
    chosen.poolings.reduce(
      (sum, pooling) => sum + mapNamed(backbone, map).channels * poolingOf(backbone, pooling, map).numbers,
      0,
    );
  return {
    backbone,
    ...chosen,
    scales: sizes.map((side) => ({ size: side, prefix: side === size ? '' : `at${side}/` })),
    width: sizes.length * chosen.maps.reduce((sum, map) => sum + numbersOf(map), 0),
  };
}

/** Where the trained part begins. */
const inputOf = ({ backbone }: PooledMaps, { prefix }: Scale): string => `${prefix}${backbone.tunedAfter}`;
const pooledName = ({ prefix }: Scale, map: string): string => `${prefix}pooled_${map}`;
const outputOf = ({ backbone }: PooledMaps, { prefix }: Scale, map: string): string =>
  `${prefix}${mapNamed(backbone, map).node}`;
const unit = (input: string): NetworkNode => ({ op: 'l2-normalize', name: `${input}_unit`, inputs: [input] });

/** A map pooled in every way: the node of that name, and those it is made of. */
function pooled(pools: PooledMaps, scale: Scale, map: string): NetworkNode[] {
  const [input, name] = [outputOf(pools, scale, map), pooledName(scale, map)];
  const parts = pools.poolings.map((pooling): NetworkNode => {
    return { ...poolingOf(pools.backbone, pooling, map).node, name: `${name}_${pooling}`, inputs: [input] };
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
    ...pools.backbone.nodes({ prefix, input: size === inputSize ? PIXELS : resized }),
    ...pools.maps.flatMap((map) => pooled(pools, scale, map)),
  ];
}

/** The frozen network, and its nodes that are worth keeping: maps to tune from, and what tuning does not change, pooled. */
export function frozenMaps(pools: PooledMaps): { graph: NetworkGraph; nodes: string[] } {
  const { scales, maps, backbone } = pools;
  const first = scales[0] as Scale;
  const lower = maps.filter((map) => map !== lastMapName(backbone));
  return {
    graph: {
      inputSize: first.size,
      nodes: scales.flatMap((scale) => branch(pools, scale, first.size)),
      output: pooledName(first, maps[0] as string),
      trainableAfter: null,
    },
    nodes: scales.flatMap((scale) => [inputOf(pools, scale), ...lower.map((map) => pooledName(scale, map))]),
  };
}

/** The network whose loss is minimised: the plain mean of the upper map at the smallest size, of unit length. */
export function tunedMap(pools: PooledMaps): NetworkGraph & { readonly from: string } {
  const smallest = pools.scales.at(-1) as Scale;
  const tuned = 'tuned';
  const nodes: NetworkNode[] = [
    ...branch(pools, smallest, smallest.size),
    { op: 'global-average-pool', name: tuned, inputs: [`${smallest.prefix}${lastMap(pools.backbone).node}`] },
    unit(tuned),
  ];
  const from = inputOf(pools, smallest);
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
  pools: PooledMaps,
  network: Network,
  features: Readonly<Record<string, Tensor>>,
  folder: string | undefined,
): MadeRows {
  const { scales, maps, width } = pools;
  const last = lastMapName(pools.backbone);
  const smallest = scales.at(-1) as Scale;
  const [given, tuned] = [inputOf(pools, smallest), pooledName(smallest, last)];
  const upper = (rows: Tensor): Tensor => network.forward({ [given]: rows }, [tuned])[tuned] as Tensor;
  return rowsInFile(folder, [features[given]?.shape[0] ?? 0, width], (start, count) => {
    const keptOf = (node: string): Tensor => takeBlock(features[node] as Tensor, start, count);
    const columns = scales.flatMap((scale) =>
      maps.map((map) =>
        map === last ? upper(keptOf(inputOf(pools, scale))) : keptOf(pooledName(scale, map)),
      ),
    );
    return tf.concat(columns, 1) as Tensor2D;
  });
}
