/** RGB 0..255 -> BGR minus the ImageNet mean: what Keras calls "caffe" mode, and what this ResNet50 was trained on. */
import { tf } from '../tensorflow.ts';
import { single } from './operation.ts';
import type { NodeBase, Operation } from './operation.ts';

export interface CaffePreprocessNode extends NodeBase {
  readonly op: 'caffe-preprocess';
}

/** Means of the blue, green and red channels over ImageNet, as in keras.applications.imagenet_utils. */
export const IMAGENET_MEAN_BGR = [103.939, 116.779, 123.68] as const;

export const caffePreprocess: Operation<CaffePreprocessNode> = {
  outputShape: (_node, inputs) => single(inputs),
  forward: (_node, inputs) => tf.reverse(single(inputs), -1).sub(tf.tensor1d([...IMAGENET_MEAN_BGR])),
  onnx(writer, node, inputs, output) {
    const order = writer.integers('caffe-preprocess/order', [2, 1, 0]);
    const reversed = writer.node('Gather', [single(inputs).name, order], `${node.name}/bgr`, { axis: 1 });
    const mean = writer.floats('caffe-preprocess/mean', [3, 1, 1], IMAGENET_MEAN_BGR);
    writer.node('Sub', [reversed, mean], output);
  },
};
