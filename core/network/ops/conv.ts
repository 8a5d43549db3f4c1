/**
 * Convolution with bias, followed by batch normalisation in inference mode, as one linear map:
 *
 *   s = gamma / sqrt(variance + epsilon)      kernel' = kernel * s      bias' = (bias - mean) * s + beta
 *
 * (Jacob et al. 2018, section 3.2). So no activation is touched twice, and the gradients follow by the chain rule:
 * dkernel = dkernel' * s, dbias = dbias' * s, dbeta = dbias',
 * dgamma = (sum over height, width and input of dkernel' * kernel + dbias' * (bias - mean)) / sqrt(variance + epsilon).
 */
import type { Tensor } from '@tensorflow/tfjs-node';
import { biasAdd, biasGradient, bool, canFuse, float, fusedConv, int, run, text } from '../raw-ops.ts';
import { tf } from '../tensorflow.ts';
import type { OnnxWriter } from '../onnx/writer.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation, ParameterGradient, ReadParameter, Shape } from './operation.ts';

/** Inputs: the maps, and perhaps a summand of the output's shape (the shortcut of a residual block). */
export interface ConvNode extends NodeBase {
  readonly op: 'conv';
  readonly filters: number;
  /** Side of the square kernel. */
  readonly size: number;
  readonly stride: number;
  /** Zeros put around the input, on each side. */
  readonly padding: number;
  /** Name of the kernel and bias, and of the batch normalisation; nodes may share them. */
  readonly weights: string;
  readonly batchNorm: string;
  readonly epsilon: number;
}

const outputSide = (side: number, node: ConvNode): number =>
  Math.floor((side + 2 * node.padding - node.size) / node.stride) + 1;

function attributes(node: ConvNode): Parameters<typeof run>[1] {
  const p = node.padding;
  // With stride 1 the same zeros can be said in two ways, and only this one has a fast gradient in TensorFlow.
  const same = node.stride === 1 && 2 * p === node.size - 1;
  return [
    int('strides', [1, node.stride, node.stride, 1]),
    text('padding', same ? 'SAME' : 'EXPLICIT'),
    int('explicit_paddings', same ? [] : [0, 0, p, p, p, p, 0, 0]),
  ];
}

/** The same as TensorFlow's own convolution and its gradients want them. */
const plainAttributes = (node: ConvNode): Parameters<typeof run>[1] => [
  float(),
  text('data_format', 'NHWC'),
  int('dilations', [1, 1, 1, 1]),
  bool('use_cudnn_on_gpu', true),
  ...attributes(node),
];

const names = (node: ConvNode) => ({
  kernel: `${node.weights}/kernel`,
  bias: `${node.weights}/bias`,
  gamma: `${node.batchNorm}/gamma`,
  beta: `${node.batchNorm}/beta`,
  mean: `${node.batchNorm}/moving_mean`,
  variance: `${node.batchNorm}/moving_variance`,
});

function readAll(node: ConvNode, read: ReadParameter): Record<keyof ReturnType<typeof names>, Tensor> {
  const entries = Object.entries(names(node)).map(([key, name]) => [key, single(read(name))]);
  return Object.fromEntries(entries) as Record<keyof ReturnType<typeof names>, Tensor>;
}

/** Names the kernel and bias with batch normalisation folded in; nodes that share weights share them. */
export function foldedName({ weights, batchNorm, epsilon }: ConvNode): string {
  return `${weights}/with/${batchNorm}/${epsilon}`;
}

/** What the batch normalisation multiplies each filter with. */
function scales(writer: OnnxWriter, node: ConvNode): number[] {
  const { gamma, variance } = names(node);
  const variances = writer.parameter(variance);
  return Array.from(
    writer.parameter(gamma),
    (each, i) => each / Math.sqrt((variances[i] as number) + node.epsilon),
  );
}

/** (height, width, channels, filters) -> (filters, channels, height, width), scaled. */
function foldedKernel(writer: OnnxWriter, node: ConvNode): Float32Array {
  const kernel = writer.parameter(names(node).kernel);
  const scale = scales(writer, node);
  const [field, channels] = [node.size ** 2, kernel.length / node.size ** 2 / node.filters];
  const folded = new Float32Array(kernel.length);
  for (let place = 0, from = 0; place < field; place++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let filter = 0; filter < node.filters; filter++, from++) {
        const to = (filter * channels + channel) * field + place;
        folded[to] = (kernel[from] as number) * (scale[filter] as number);
      }
    }
  }
  return folded;
}

function foldedBias(writer: OnnxWriter, node: ConvNode): number[] {
  const name = names(node);
  const [bias, mean, beta] = [name.bias, name.mean, name.beta].map((each) => writer.parameter(each));
  return scales(writer, node).map(
    (scale, i) => ((bias?.[i] ?? 0) - (mean?.[i] ?? 0)) * scale + (beta?.[i] ?? 0),
  );
}

export const conv: Operation<ConvNode> = {
  rectifies: true,

  outputShape(node, inputs) {
    const [height = 0, width = 0] = inputs[0] ?? [];
    return [outputSide(height, node), outputSide(width, node), node.filters];
  },

  parameters(node, inputs) {
    const channels = inputs[0]?.[2] ?? 0;
    const name = names(node);
    const perFilter: Shape = [node.filters];
    return [
      {
        name: name.kernel,
        shape: [node.size, node.size, channels, node.filters],
        trainable: true,
        initial: 'glorot-uniform',
      },
      { name: name.bias, shape: perFilter, trainable: true, initial: 'zeros' },
      { name: name.gamma, shape: perFilter, trainable: true, initial: 'ones' },
      { name: name.beta, shape: perFilter, trainable: true, initial: 'zeros' },
      { name: name.mean, shape: perFilter, trainable: false, initial: 'zeros' },
      { name: name.variance, shape: perFilter, trainable: false, initial: 'ones' },
    ];
  },

  weights(node, read) {
    const { kernel, bias, gamma, beta, mean, variance } = readAll(node, read);
    const scale = gamma.div(variance.add(node.epsilon).sqrt());
    return [kernel.mul(scale), bias.sub(mean).mul(scale).add(beta)];
  },

  forward(node, inputs, weights) {
    const [x, summand = null] = inputs as [Tensor, Tensor?];
    const [kernel, bias] = weights as [Tensor, Tensor];
    const relu = node.relu ?? false;
    if (canFuse()) return fusedConv(attributes(node), x, kernel, bias, summand, relu);
    const biased = biasAdd(run('Conv2D', plainAttributes(node), [x, kernel]), bias);
    const sum = summand === null ? biased : biased.add(summand);
    return relu ? sum.relu() : sum;
  },

  onnx(writer, node, inputs, output) {
    const [maps, shortcut] = inputs;
    const [channels = 0] = maps?.shape.slice(2) ?? [];
    const folded = foldedName(node);
    const { size, filters, stride, padding: p } = node;
    const kernel = writer.weights(`${folded}/kernel`, [filters, channels, size, size], function* kernel() {
      yield foldedKernel(writer, node);
    });
    const bias = writer.floats(`${folded}/bias`, [filters], foldedBias(writer, node));
    const sum = shortcut === undefined ? output : `${node.name}/sum`;
    writer.node('Conv', [maps?.name ?? '', kernel, bias], sum, {
      kernel_shape: [size, size],
      strides: [stride, stride],
      pads: [p, p, p, p],
    });
    if (shortcut !== undefined) writer.node('Add', [sum, shortcut.name], output);
  },

  inputGradients({ node, inputs, gradient }, weights, needed) {
    const made: (Tensor | null)[] = [null];
    if (needed[0]) {
      const inputShape = tf.tensor1d((inputs[0] as Tensor).shape, 'int32');
      made[0] = run('Conv2DBackpropInput', plainAttributes(node), [
        inputShape,
        weights[0] as Tensor,
        gradient,
      ]);
    }
    if (inputs.length === 2) made[1] = needed[1] ? gradient.clone() : null;
    return made;
  },

  *parameterGradients({ node, inputs, gradient }, read): Iterable<ParameterGradient> {
    const name = names(node);
    const gradients = tf.tidy(() => {
      const { kernel, bias, gamma, mean, variance } = readAll(node, read);
      const deviation = variance.add(node.epsilon).sqrt();
      const scale = gamma.div(deviation);
      const kernelShape = tf.tensor1d(kernel.shape, 'int32');
      const folded = run('Conv2DBackpropFilter', plainAttributes(node), [
        inputs[0] as Tensor,
        kernelShape,
        gradient,
      ]);
      const beta = biasGradient(gradient);
      // The sum over all but the last axis.
      const alongKernel = biasGradient(folded.mul(kernel));
      return {
        [name.kernel]: folded.mul(scale),
        [name.bias]: beta.mul(scale),
        [name.gamma]: alongKernel.add(beta.mul(bias.sub(mean))).div(deviation),
        [name.beta]: beta,
      };
    });
    for (const [parameter, value] of Object.entries(gradients)) {
      yield { name: parameter, piece: 0, gradient: value };
    }
  },
};
