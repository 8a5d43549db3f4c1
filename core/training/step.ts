/** One step of training: forward over the batch's pictures, triplets, loss, and backward with every update in place. */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import type { Network } from '../network/network.ts';
import { tf } from '../network/tensorflow.ts';
import type { Random } from '../random.ts';
import type { Adam } from './adam.ts';
import type { Batch } from './batches.ts';
import { observeBatch } from './collapse.ts';
import type { Observed } from './collapse.ts';
import type { Distance } from './distances/index.ts';
import type { Loss } from './losses/index.ts';
import { takeBlock, takeRows } from './mapped-rows.ts';
import type { Triplets } from './triplets.ts';

/** What is trained, on which cached outputs of its frozen part. */
export interface Learner {
  readonly network: Network;
  /** The node whose outputs are given. */
  readonly inputNode: string;
  /** (pictures, ...shape): that node's output for every training picture. */
  readonly inputs: Tensor;
  readonly labels: Int32Array;
  readonly loss: Loss;
  readonly distance: Distance;
  /** Chooses the triplets of a batch that brings none. Losses over pairs need none. */
  mine?(embeddings: Tensor2D, labels: Int32Array, random: Random): Triplets;
  /** Whether the loss is a sum over triplets, so that its mean is what is shown. */
  readonly summedLoss: boolean;
}

export interface StepResult extends Observed {
  /** How many triplets, or for a loss over pairs pictures, these are means over: a short batch counts for less. */
  readonly weight: number;
}

const NO_TRIPLETS: Triplets = {
  anchors: new Int32Array(),
  positives: new Int32Array(),
  negatives: new Int32Array(),
};

/** Loss of a batch, and one update of every trained weight. @param rateFactor multiplies the learning rate */
export function trainStep(
  learner: Learner,
  optimizer: Adam,
  batch: Batch,
  random: Random,
  rateFactor = 1,
): StepResult {
  const given = takeRows(learner.inputs, batch.rows);
  const recording = learner.network.record({ [learner.inputNode]: given });
  const embeddings = recording.output as Tensor2D;
  const labels = batch.rows.map((row) => learner.labels[row] as number);
  const triplets = batch.triplets ?? learner.mine?.(embeddings, labels, random) ?? NO_TRIPLETS;
  const { loss, gradient, active } = lossAndGradient(learner, embeddings, labels, triplets);
  const { spread, onePoint } = observeBatch(learner, embeddings, labels, triplets);
  const divisor = learner.summedLoss ? Math.max(1, triplets.anchors.length) : 1;
  if (Number.isFinite(loss)) {
    optimizer.begin(rateFactor);
    recording.backward(gradient, optimizer.apply);
  }
  tf.dispose([gradient, given]);
  recording.dispose();
  return {
    loss: loss / divisor,
    active,
    spread,
    onePoint: () => {
      const point = onePoint();
      return { ...point, loss: point.loss / divisor };
    },
    weight: triplets.anchors.length || batch.rows.length,
  };
}

function lossAndGradient(
  { loss, distance }: Learner,
  embeddings: Tensor2D,
  labels: Int32Array,
  triplets: Triplets,
): { loss: number; gradient: Tensor; active: number } {
  let active = 0;
  const { value, grad } = tf.valueAndGrad((x: Tensor) => {
    const result = loss.value({ embeddings: x as Tensor2D, labels, triplets, distance });
    active = result.active;
    return result.loss;
  })(embeddings);
  const number = value.dataSync()[0] as number;
  value.dispose();
  return { loss: number, gradient: grad, active };
}

/** Embeddings of the rows of `inputs`, in blocks. Returns (rows, dimensions). */
export function embedRows(
  network: Network,
  inputNode: string,
  inputs: Tensor,
  output = network.graph.output,
): Tensor2D {
  const count = inputs.shape[0];
  return tf.tidy(() => {
    const blocks: Tensor2D[] = [];
    for (let start = 0; start < count; start += 32) {
      const block = tf.tidy(() => {
        const given = takeBlock(inputs, start, Math.min(32, count - start));
        return network.forward({ [inputNode]: given }, [output])[output] as Tensor2D;
      });
      blocks.push(block);
    }
    const [width = 0] = network.shapes.get(output) ?? [];
    if (blocks.length === 0) return tf.zeros([0, width]);
    return tf.concat(blocks, 0);
  });
}
