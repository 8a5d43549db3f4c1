/** The backbone's pass forward in Kindred's own network, as frozen features are made. The same work as peers/forward_torch.py. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { describeEngine } from '../core/network/engine.ts';
import { PIXELS } from '../core/network/graph.ts';
import type { NetworkGraph } from '../core/network/graph.ts';
import { Network } from '../core/network/network.ts';
import { ParameterStore, fromFile } from '../core/network/parameters.ts';
import { resnet50 } from '../core/network/backbones/resnet50.ts';
import { SafetensorsFile } from '../core/network/safetensors.ts';
import { tf } from '../core/network/tensorflow.ts';

export interface ForwardWork {
  /** Backbone weights, safetensors. */
  readonly weights: string;
  /** Pictures at once. */
  readonly batch: number;
  /** Their side in pixels. */
  readonly size: number;
  readonly warmup: number;
  readonly steps: number;
}

export interface ForwardResult {
  readonly versions: Readonly<Record<string, string>>;
  /** Of each timed pass, from pixels in the processor's memory to features there. */
  readonly seconds: readonly number[];
  /** Euclidean length of all features together: both sides must have computed the same. */
  readonly norm: number;
}

/** Numbers 0..255 from a hash of their place. */
function hashedPixels(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.imul(i, 2654435761) >>> 24);
}

export function forward({ weights, batch, size, warmup, steps }: ForwardWork): ForwardResult {
  const output = 'pooled';
  const graph: NetworkGraph = {
    inputSize: size,
    nodes: [...resnet50.nodes(), { op: 'global-average-pool', name: output, inputs: ['conv5_block3_out'] }],
    output,
    trainableAfter: null,
  };
  const network = new Network(graph, new ParameterStore(graph, fromFile(new SafetensorsFile(weights))));
  const pixels = hashedPixels(batch * size * size * 3);
  const seconds: number[] = [];
  let norm = 0;
  for (let step = 0; step < warmup + steps; step++) {
    const started = performance.now();
    const features = tf.tidy(() => {
      const given = tf.tensor4d(pixels, [batch, size, size, 3]);
      return (network.forward({ [PIXELS]: given }, [output])[output] as Tensor).dataSync();
    });
    seconds.push((performance.now() - started) / 1000);
    norm = Math.hypot(...features);
  }
  return { versions: describeEngine(), seconds: seconds.slice(warmup), norm };
}
