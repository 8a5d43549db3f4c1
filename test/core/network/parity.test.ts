/** The seed's network and training step, held against what Keras computed (see test/fixtures/parity/README.md). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { decodeImage } from '../../../core/images/decode.ts';
import { PIXELS, countParameters } from '../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { siameseHead } from '../../../core/network/heads.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, firstOf } from '../../../core/network/parameters.ts';
import { pixelTensor } from '../../../core/network/pixel-tensor.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { ADAM_DEFAULTS, Adam } from '../../../core/training/adam.ts';
import { distinct } from '../../../core/training/batches.ts';
import { distanceMatrix, distances } from '../../../core/training/distances/index.ts';
import { losses } from '../../../core/training/losses/index.ts';
import { miners } from '../../../core/training/miners/index.ts';
import { trainStep } from '../../../core/training/step.ts';
import { openBackbone } from '../../support/backbone.ts';
import { hashedHead, headSeeds, kerasFixtures } from '../../support/keras.ts';
import { assertClose } from '../../support/numbers.ts';

const { keras, image } = kerasFixtures();
const size = 200;
const INPUT = 'conv5_block1_out';

const graph: NetworkGraph = {
  inputSize: size,
  nodes: [
    ...resnet50.nodes(),
    { op: 'global-average-pool', name: 'pooled', inputs: ['conv5_block3_out'] },
    ...siameseHead('conv5_block3_out'),
  ],
  output: 'dense_3',
  trainableAfter: INPUT,
};

const firstEight = (embeddings: readonly (readonly number[])[]): number[] =>
  embeddings.flatMap((row) => row.slice(0, 8));
const worstOf = (rows: readonly (readonly number[])[]): number => Math.max(...rows.flat().map(Math.abs));

describe('the network of the original program, beside Keras', () => {
  const file = openBackbone();
  const outputs = new Map<string, Tensor>();
  const output = (name: string): Tensor => outputs.get(name) as Tensor;

  before(async () => {
    const pixels = await Promise.all(
      keras.images.map((name) =>
        decodeImage(image(name), {
          size,
          fit: 'squash',
          kernel: 'linear',
        }),
      ),
    );
    const frozen = { ...graph, trainableAfter: null };
    const network = new Network(frozen, new ParameterStore(frozen, firstOf(file, hashedHead)));
    tf.tidy(() => {
      const made = network.forward({ [PIXELS]: pixelTensor(pixels) }, [INPUT, 'pooled', 'dense_3']);
      for (const [name, tensor] of Object.entries(made)) outputs.set(name, tf.keep(tensor));
    });
    network.dispose();
  });

  after(() => {
    tf.dispose([...outputs.values()]);
    file.close();
  });

  it('has as many weights', () => {
    assert.deepEqual(countParameters(graph), { trainable: keras.trainable, other: keras.non_trainable });
    assert.deepEqual(keras.weights_head_seeds, headSeeds);
  });

  it('makes the same pooled features', () => {
    const pooled = output('pooled').arraySync() as number[][];
    assertClose(
      pooled.flatMap((row) => row.slice(0, 16)),
      keras.pooled_first16.flat(),
      { tolerance: 1e-3, floor: 0.05 },
    );
    assertClose(
      pooled.map((row) => Math.hypot(...row)),
      keras.pooled_l2,
      { tolerance: 1e-3, floor: 0 },
    );
  });

  it('makes the same embeddings', () => {
    const made = firstEight(output('dense_3').arraySync() as number[][]);
    assertClose(made, keras.embedding_before_first8.flat(), {
      tolerance: 1e-3,
      floor: worstOf(keras.embedding_before_first8),
    });
  });

  it('measures the same squared distances and chooses the same triplets', () => {
    const matrix = distanceMatrix(distances['squared-euclidean'], output('dense_3') as Tensor2D);
    const mined = miners['close-distance']
      .create()
      .mine(matrix, Int32Array.from(keras.labels), new Random(1));
    const listed = Array.from(mined.anchors, (anchor, t) => [anchor, mined.positives[t], mined.negatives[t]]);
    assertClose(matrix.values, keras.squared_distances_before.flat(), { tolerance: 1e-3, floor: 1 });
    assert.deepEqual(listed, keras.close_distance_triplets);
  });

  for (const run of keras.runs) {
    it(`loses as much over six Adam steps at a rate of ${run.learning_rate}, and ends at the same embeddings`, () => {
      const network = new Network(graph, new ParameterStore(graph, firstOf(file, hashedHead)));
      const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate: run.learning_rate });
      const learner = {
        network,
        inputNode: INPUT,
        inputs: output(INPUT),
        labels: Int32Array.from(keras.labels),
        loss: losses.triplet.create({ margin: run.margin, reduction: 'sum' }),
        distance: distances['squared-euclidean'],
        summedLoss: true,
      };
      const column = (k: number): Int32Array =>
        Int32Array.from(keras.close_distance_triplets, (triplet) => triplet[k] as number);
      const triplets = { anchors: column(0), positives: column(1), negatives: column(2) };
      const batch = distinct(
        triplets,
        Array.from(triplets.anchors, (_, t) => t),
      );

      const made = run.mean_loss_per_step.map(() => trainStep(learner, optimizer, batch, new Random(1)).loss);
      const embeddings = tf.tidy(
        () => network.forward({ [INPUT]: output(INPUT) })['dense_3']?.arraySync() as number[][],
      );
      optimizer.dispose();
      network.dispose();

      assertClose(made.slice(0, 3), run.mean_loss_per_step.slice(0, 3), { tolerance: 0.01, floor: 0 });
      // From here on most triplets are at or beyond the margin, where a loss is the small rest of large numbers.
      assertClose(made.slice(3), run.mean_loss_per_step.slice(3), { tolerance: 0.01, floor: 1 });
      assertClose(firstEight(embeddings), run.embedding_after_first8.flat(), {
        tolerance: 0.01,
        floor: worstOf(run.embedding_after_first8),
      });
    });
  }
});
