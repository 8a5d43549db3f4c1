/** What computes, in words: for manifests, `doctor` and bug reports. */
import { backend } from './raw-ops.ts';
import { tf } from './tensorflow.ts';

/** Versions of tfjs-node and TensorFlow, and the device. */
export function describeEngine(): Record<string, string> {
  return {
    name: 'tensorflow',
    tfjs: tf.version['tfjs-node'],
    tensorflow: backend().binding.TF_Version,
    device: backend().isUsingGpuDevice ? 'GPU' : 'CPU',
  };
}
