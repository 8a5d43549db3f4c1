/** Batch normalisation in inference mode: (x - mean) / sqrt(variance + epsilon) * gamma + beta (Ioffe and Szegedy 2015). */
import type { Tensor } from '@tensorflow/tfjs-node';
import { biasGradient } from '../raw-ops.ts';
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation, ParameterGradient, ParameterSpec } from './operation.ts';

export interface BatchNormNode extends NodeBase {
  readonly op: 'batch-norm';
  readonly epsilon: number;
}

export const batchNorm: Operation<BatchNormNode> = {
  outputShape: (_node, inputs) => single(inputs),

  parameters(node, inputs) {
    const shape = [single(inputs).at(-1) ?? 0];
    const spec = (name: string, trainable: boolean, initial: 'ones' | 'zeros'): ParameterSpec => ({
      name: `${node.name}/${name}`,
      shape,
      trainable,
      initial,
    });
    return [
      spec('gamma', true, 'ones'),
      spec('beta', true, 'zeros'),
      spec('moving_mean', false, 'zeros'),
      spec('moving_variance', false, 'ones'),
    ];
  },

  weights(node, read) {
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) =>
      single(read(`${node.name}/${name}`)),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const scale = gamma.div(variance.add(node.epsilon).sqrt());
    return [scale, beta.sub(mean.mul(scale))];
  },

  forward(_node, inputs, weights) {
    const [scale, offset] = weights as [Tensor, Tensor];
    return single(inputs).mul(scale).add(offset);
  },

  onnx(writer, node, inputs, output) {
    const { name, shape } = single(inputs);
    const read = (part: string): Float32Array => writer.parameter(`${node.name}/${part}`);
    const [gamma, beta, mean, variance] = [
      read('gamma'),
      read('beta'),
      read('moving_mean'),
      read('moving_variance'),
    ];
    const scale = Array.from(gamma, (each, i) => each / Math.sqrt((variance[i] as number) + node.epsilon));
    const offset = scale.map((each, i) => (beta[i] as number) - (mean[i] as number) * each);
    // Maps have their channels before height and width there.
    const perChannel = [scale.length, ...shape.slice(1).map(() => 1)];
    const scaled = writer.node(
      'Mul',
      [name, writer.floats(`${node.name}/scale`, perChannel, scale)],
      `${node.name}/scaled`,
    );
    writer.node('Add', [scaled, writer.floats(`${node.name}/offset`, perChannel, offset)], output);
  },

  inputGradients({ gradient }, weights, needed) {
    return [single(needed) ? gradient.mul(weights[0] as Tensor) : null];
  },

  *parameterGradients({ node, inputs, gradient }, read): Iterable<ParameterGradient> {
    const gamma = tf.tidy(() => {
      const mean = single(read(`${node.name}/moving_mean`));
      const variance = single(read(`${node.name}/moving_variance`));
      const normalised = single(inputs).sub(mean).div(variance.add(node.epsilon).sqrt());
      return biasGradient(gradient.mul(normalised));
    });
    yield { name: `${node.name}/gamma`, piece: 0, gradient: gamma };
    yield { name: `${node.name}/beta`, piece: 0, gradient: biasGradient(gradient) };
  },
};
