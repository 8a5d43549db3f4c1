/**
 * The untrained backbone's features of pictures, that every model is held against: 2048 pooled numbers, at the size and
 * with the resampling that the model itself sees its pictures by.
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { Picture } from '../images/dataset.ts';
import type { Preprocessing } from '../images/pixels.ts';
import { pooledBackbone } from '../network/backbones/backbone.ts';
import type { Backbone } from '../network/backbones/backbone.ts';
import { Network } from '../network/network.ts';
import { ParameterStore, fromFile } from '../network/parameters.ts';
import type { SafetensorsFile } from '../network/safetensors.ts';
import { frozenFeatures } from './features.ts';
import type { FeatureRequest } from './features.ts';
import { embedRows } from './step.ts';

/** A backbone and its weights, opened. */
export interface OpenBackbone {
  readonly backbone: Backbone;
  readonly pretrained: SafetensorsFile;
}

/** Pictures and their pooled features, row-major. */
export interface PooledPictures {
  readonly pictures: readonly Picture[];
  readonly features: Float32Array;
}

/** From what a recipe's frozen network gave already, or null where that is not enough. */
export async function pooledFromKept(
  opened: OpenBackbone,
  { size }: Preprocessing,
  kept: Readonly<Record<string, Tensor>>,
): Promise<Float32Array | null> {
  // At the whole size; smaller ones have other names.
  const from = opened.backbone.tunedAfter;
  return withNetwork(opened, size, (network) => {
    const maps = kept[from];
    if (maps === undefined || maps.shape.slice(1).join() !== network.shapes.get(from)?.join()) return null;
    const pooled = embedRows(network, from, maps);
    const features = pooled.dataSync<'float32'>().slice();
    pooled.dispose();
    return features;
  });
}

/** From the pictures themselves, or from the cache; those that cannot be decoded are left out. @throws CancelledError */
export async function pooledFromPictures(
  opened: OpenBackbone,
  request: Omit<FeatureRequest, 'network' | 'nodes'>,
): Promise<PooledPictures> {
  return withNetwork(opened, request.preprocessing.size, async (network) => {
    const { output } = network.graph;
    const found = await frozenFeatures({ ...request, network, nodes: [output] });
    const features = found.tensors[output]?.dataSync<'float32'>().slice() ?? new Float32Array();
    found.dispose();
    return { pictures: found.pictures, features };
  });
}

async function withNetwork<T>(
  { backbone, pretrained }: OpenBackbone,
  size: number,
  work: (network: Network) => T | Promise<T>,
): Promise<T> {
  const graph = pooledBackbone(backbone, size);
  const network = new Network(graph, new ParameterStore(graph, fromFile(pretrained)));
  try {
    return await work(network);
  } finally {
    network.dispose();
  }
}
