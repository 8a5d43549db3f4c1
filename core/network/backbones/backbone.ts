/** What a pretrained network is to recipes. Plain data: TensorFlow is not loaded to read it. */
import { InvalidInputError } from '../../errors.ts';
import type { Preprocessing } from '../../images/pixels.ts';
import type { NetworkGraph } from '../graph.ts';
import type { NetworkNode } from '../ops/index.ts';

/** A feature map that recipes can take features from. */
export interface BackboneMap {
  /** The node that gives it. */
  readonly node: string;
  readonly channels: number;
}

export interface BackbonePlace {
  /** The node that gives RGB pixels, 0..255. @default the network's input */
  readonly input?: string;
  /** Put before every node's name, so that a network can hold the backbone more than once, with the same weights. */
  readonly prefix?: string;
}

export interface Backbone {
  /** Names the weights' file in the cache, and tells features of one backbone from those of another. */
  readonly id: string;
  /** The graph from RGB pixels (0..255) to the last map; scaling the pixels is part of it. */
  nodes(place?: BackbonePlace): NetworkNode[];
  /** By name, in the order of the graph. Tuning changes the last one only. */
  readonly maps: Readonly<Record<string, BackboneMap>>;
  /** Recipes tune the nodes after this one. */
  readonly tunedAfter: string;
  /** How images are decoded for the backbone alone; recipes have their own. */
  readonly preprocessing: Preprocessing;
  /** Where the weights come from; numbers under the graph's parameter names, as safetensors. */
  readonly weights: { readonly source: string; readonly license: string };
}

/** A backbone with its weights on this machine. */
export interface LocalBackbone extends Backbone {
  /** The safetensors file. */
  readonly file: string;
}

/** The map with this name. @throws InvalidInputError that lists the names */
export function mapNamed({ id, maps }: Backbone, name: string): BackboneMap {
  const found = Object.hasOwn(maps, name) ? maps[name] : undefined;
  if (found !== undefined) return found;
  throw new InvalidInputError(
    `The backbone ${id} has no map ${JSON.stringify(name)}. Its maps: ${Object.keys(maps).join(', ')}.`,
  );
}

/** The name of the last map. */
export function lastMapName({ maps }: Backbone): string {
  return Object.keys(maps).at(-1) as string;
}

/** The last map. */
export function lastMap(backbone: Backbone): BackboneMap {
  return mapNamed(backbone, lastMapName(backbone));
}

/** The backbone as it is, from pixels to the global average of its last map: as many numbers an image as that has channels. */
export function pooledBackbone(backbone: Backbone, size: number): NetworkGraph {
  const pooling = {
    op: 'global-average-pool',
    name: 'pooled',
    inputs: [lastMap(backbone).node],
  } as const;
  return {
    inputSize: size,
    nodes: [...backbone.nodes(), pooling],
    output: pooling.name,
    trainableAfter: null,
  };
}
