/** TensorFlow operations that tfjs does not offer itself, run through tfjs-node's binding. */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-node';
import { tf } from './tensorflow.ts';

type AttributeValue = string | number | boolean | number[] | string[];

interface Attribute {
  name: string;
  type: number;
  value: AttributeValue;
}

/** The part of tfjs-node's backend that is used here; its own types keep it private. */
interface NodeBackend {
  readonly binding: Readonly<Record<AttributeType, number>> & {
    readonly TF_FLOAT: number;
    readonly TF_Version: string;
  };
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: TensorInfo[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: TensorInfo[],
    outputs: number,
  ): Tensor[];
}

type AttributeType =
  'TF_ATTR_STRING' | 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_TYPE' | 'TF_ATTR_SHAPE';

/** tfjs-node's backend, through which any TensorFlow operation can be run. */
export function backend(): NodeBackend {
  return tf.backend() as unknown as NodeBackend;
}

const attribute =
  (type: AttributeType) =>
  (name: string, value: AttributeValue): Attribute => ({ name, type: backend().binding[type], value });

export const text = attribute('TF_ATTR_STRING');
export const int = attribute('TF_ATTR_INT');
export const bool = attribute('TF_ATTR_BOOL');
export const type = attribute('TF_ATTR_TYPE');
export const shape = attribute('TF_ATTR_SHAPE');

/** The attribute that most operations call `T`: 32-bit floats. */
export const float = (name = 'T'): Attribute => type(name, backend().binding.TF_FLOAT);

/** Runs one TensorFlow operation that has one output. The caller, or the surrounding `tf.tidy`, disposes of it. */
export function run(name: string, attributes: Attribute[], inputs: TensorInfo[]): Tensor {
  return backend().executeSingleOutput(name, attributes, inputs);
}

/** Runs one TensorFlow operation for its effect on resources. */
export function runForEffect(name: string, attributes: Attribute[], inputs: TensorInfo[]): void {
  backend().executeMultipleOutputs(name, attributes, inputs, 0);
}

let fused: boolean | undefined;

/** Whether convolutions can take bias, sum and rectifier along: on processors, with the binding that the set-up builds. */
export function canFuse(): boolean {
  fused ??= tf.tidy(() => {
    try {
      const one = tf.ones([1, 1, 1, 1]);
      const made = fusedConv(
        [int('strides', [1, 1, 1, 1]), text('padding', 'VALID')],
        one,
        one,
        tf.ones([1]),
        null,
        true,
      );
      return made.dataSync()[0] === 2;
    } catch {
      return false;
    }
  });
  return fused;
}

/**
 * relu(conv(x, kernel) + bias + summand) as one operation of oneDNN, which writes its output once.
 * @param attributes strides and padding @param summand null: nothing is added
 */
export function fusedConv(
  attributes: Attribute[],
  x: Tensor,
  kernel: Tensor,
  bias: Tensor,
  summand: Tensor | null,
  relu: boolean,
): Tensor {
  const extra = summand === null ? [bias] : [bias, summand];
  const operations = ['BiasAdd', ...(summand === null ? [] : ['Add']), ...(relu ? ['Relu'] : [])];
  const { TF_FLOAT, TF_ATTR_TYPE, TF_ATTR_STRING, TF_ATTR_FLOAT } = backend().binding;
  return run(
    '_MklNativeFusedConv2D',
    [
      float(),
      int('num_args', extra.length),
      { name: 'TArgs', type: TF_ATTR_TYPE, value: extra.map(() => TF_FLOAT) },
      { name: 'fused_ops', type: TF_ATTR_STRING, value: operations },
      { name: 'epsilon', type: TF_ATTR_FLOAT, value: 1e-4 },
      { name: 'leakyrelu_alpha', type: TF_ATTR_FLOAT, value: 0.2 },
      bool('use_cudnn_on_gpu', false),
      text('data_format', 'NHWC'),
      int('dilations', [1, 1, 1, 1]),
      // What TensorFlow's own rewriting writes on operations that it turns into oneDNN's.
      text('_kernel', 'MklNameChangeOp'),
      ...(attributes.some(({ name }) => name === 'explicit_paddings') ? [] : [int('explicit_paddings', [])]),
      ...attributes,
    ],
    [x, kernel, ...extra],
  );
}

/** `a` (M,K) times `b` (K,N), either transposed on the way. */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  return run('MatMul', [float(), bool('transpose_a', transposeA), bool('transpose_b', transposeB)], [a, b]);
}

/** The gradient of a rectified output `y` where `dy` is the gradient at it. */
export function reluGradient(dy: Tensor, y: Tensor): Tensor {
  return run('ReluGrad', [float()], [dy, y]);
}

/** `x` plus a bias over its last axis. */
export function biasAdd(x: Tensor, bias: Tensor): Tensor {
  return run('BiasAdd', [float(), text('data_format', 'NHWC')], [x, bias]);
}

/** The sum of `dy` over all axes but the last. */
export function biasGradient(dy: Tensor): Tensor {
  return run('BiasAddGrad', [float(), text('data_format', 'NHWC')], [dy]);
}
