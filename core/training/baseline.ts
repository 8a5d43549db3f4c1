/**
 * The untrained backbone's features of pictures, that every model is held against: 2048 pooled numbers, at the size and
 * with the resampling that the model itself sees its pictures by.
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { Picture } from '../images/dataset.ts';
import type { Preprocessing } from '../images/pixels.ts';
import { Network } from '../network/network.ts';
import { ParameterStore, fromFile } from '../network/parameters.ts';
import { pooledResnet50 } from '../network/pooled-resnet50.ts';
import type { SafetensorsFile } from '../network/safetensors.ts';
import { frozenFeatures } from './features.ts';
import type { FeatureRequest } from './features.ts';
import { embedRows } from './step.ts';

/** What the cached features of a recipe are taken from when they are those of the whole size. */
const KEPT = 'conv5_block1_out';

/** Pictures and their pooled features, row-major. */
export interface PooledPictures {
  readonly pictures: readonly Picture[];
  readonly features: Float32Array;
}

/** From what a recipe's frozen network gave already, or null where that is not enough. */
export async function pooledFromKept(
  backbone: SafetensorsFile,
  { size }: Preprocessing,
  kept: Readonly<Record<string, Tensor>>,
): Promise<Float32Array | null> {
  return withNetwork(backbone, size, (network) => {
    const maps = kept[KEPT];
    if (maps === undefined || maps.shape.slice(1).join() !== network.shapes.get(KEPT)?.join()) return null;
    const pooled = embedRows(network, KEPT, maps);
    const features = pooled.dataSync<'float32'>().slice();
    pooled.dispose();
    return features;
  });
}

/** From the pictures themselves, or from the cache; those that cannot be decoded are left out. @throws CancelledError */
export async function pooledFromPictures(
  backbone: SafetensorsFile,
  request: Omit<FeatureRequest, 'network' | 'nodes'>,
): Promise<PooledPictures> {
  return withNetwork(backbone, request.preprocessing.size, async (network) => {
    const { output } = network.graph;
    const found = await frozenFeatures({ ...request, network, nodes: [output] });
    const features = found.tensors[output]?.dataSync<'float32'>().slice() ?? new Float32Array();
    found.dispose();
    return { pictures: found.pictures, features };
  });
}

async function withNetwork<T>(
  backbone: SafetensorsFile,
  size: number,
  work: (network: Network) => T | Promise<T>,
): Promise<T> {
  const graph = pooledResnet50(size);
  const network = new Network(graph, new ParameterStore(graph, fromFile(backbone)));
  try {
    return await work(network);
  } finally {
    network.dispose();
  }
}
