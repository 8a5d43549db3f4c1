/** The embedder that runs on TensorFlow through tfjs-node. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { InvalidInputError } from '../errors.ts';
import type { Pixels } from '../images/pixels.ts';
import { describeEngine } from '../network/engine.ts';
import { PIXELS } from '../network/graph.ts';
import { Network } from '../network/network.ts';
import { ParameterStore, fromFile } from '../network/parameters.ts';
import { pixelTensor } from '../network/pixel-tensor.ts';
import type { SavedNetwork } from '../network/saved-network.ts';
import type { Embedder } from './embedder.ts';

/** Pictures computed at once; more only costs memory. */
const BLOCK = 16;

/**
 * The embedder of a saved network, nothing of which is trained. Dispose of it after use.
 * @throws CorruptDataError when the network's files are cut short
 */
export function tfjsEmbedder({ graph, preprocessing, weights }: SavedNetwork): Embedder {
  const frozen = { ...graph, trainableAfter: null };
  const network = new Network(frozen, new ParameterStore(frozen, fromFile(weights)));
  const { dimensions } = network;
  return {
    dimensions,
    preprocessing,
    engine: describeEngine(),
    async embed(pixels) {
      for (const picture of pixels) checkSize(picture, preprocessing.size);
      const embeddings = new Float32Array(pixels.length * dimensions);
      for (let start = 0; start < pixels.length; start += BLOCK) {
        embeddings.set(await embedBlock(network, pixels.slice(start, start + BLOCK)), start * dimensions);
      }
      return embeddings;
    },
    dispose: () => network.dispose(),
  };
}

async function embedBlock(network: Network, pixels: readonly Pixels[]): Promise<Float32Array> {
  const output = forward(network, pixels);
  try {
    return (await output.data()) as Float32Array;
  } finally {
    output.dispose();
  }
}

function forward(network: Network, pixels: readonly Pixels[]): Tensor {
  const input = pixelTensor(pixels);
  try {
    return network.forward({ [PIXELS]: input })[network.graph.output] as Tensor;
  } finally {
    input.dispose();
  }
}

function checkSize({ width, height }: Pixels, size: number): void {
  if (width === size && height === size) return;
  throw new InvalidInputError(
    `a picture has ${width}x${height} pixels, this network takes ${size}x${size}; decode it with the version's own preprocessing`,
  );
}
