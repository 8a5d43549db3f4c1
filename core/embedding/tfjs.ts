/** The engine that trains, as an embedder: what it computes an ONNX model has to reproduce before it is published. */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { Pixels } from '../images/pixels.ts';
import { describeEngine } from '../network/engine.ts';
import { PIXELS } from '../network/graph.ts';
import { Network } from '../network/network.ts';
import { ParameterStore, fromFile } from '../network/parameters.ts';
import { pixelTensor } from '../network/pixel-tensor.ts';
import type { SavedNetwork } from '../network/saved-network.ts';
import { embedderOf } from './blocks.ts';
import type { Embedder } from './embedder.ts';

/** More only costs memory. */
const AT_ONCE = 16;

/**
 * The embedder of a saved network, nothing of which is trained. Dispose of it after use.
 * @throws CorruptDataError when the network's files are cut short
 */
export function tfjsEmbedder({ graph, preprocessing, weights }: SavedNetwork): Embedder {
  const frozen = { ...graph, trainableAfter: null };
  const network = new Network(frozen, new ParameterStore(frozen, fromFile(weights)));
  return embedderOf({
    dimensions: network.dimensions,
    preprocessing,
    engine: describeEngine(),
    atOnce: AT_ONCE,
    async compute(pixels) {
      const output = forward(network, pixels);
      try {
        return (await output.data()) as Float32Array;
      } finally {
        output.dispose();
      }
    },
    free: () => network.dispose(),
  });
}

function forward(network: Network, pixels: readonly Pixels[]): Tensor {
  const input = pixelTensor(pixels);
  try {
    return network.forward({ [PIXELS]: input })[network.graph.output] as Tensor;
  } finally {
    input.dispose();
  }
}
