/** Kindred's own trainer as a side of the comparison: its network, its recipe's steps, nothing written for the bench. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-node';
import { openDataSet } from '../core/images/open-dataset.ts';
import { prepareParts } from '../core/pipeline/parts.ts';
import { describeEngine } from '../core/network/engine.ts';
import { countParameters } from '../core/network/graph.ts';
import type { NetworkGraph } from '../core/network/graph.ts';
import { siameseHead } from '../core/network/heads.ts';
import { Network } from '../core/network/network.ts';
import { ParameterStore, firstOf } from '../core/network/parameters.ts';
import type { WeightSource } from '../core/network/parameters.ts';
import { resnet50 } from '../core/network/backbones/resnet50.ts';
import { SafetensorsFile } from '../core/network/safetensors.ts';
import { tf } from '../core/network/tensorflow.ts';
import { Random } from '../core/random.ts';
import { memoryStore } from '../core/storage/memory.ts';
import { openStore } from '../core/storage/open.ts';
import { ADAM_DEFAULTS, Adam } from '../core/training/adam.ts';
import type { Batch } from '../core/training/batches.ts';
import { Checkpoints } from '../core/training/checkpoint.ts';
import { distances } from '../core/training/distances/index.ts';
import { losses } from '../core/training/losses/index.ts';
import type { TrainingProgress } from '../core/training/progress.ts';
import { loadRecipe, recipeOptions } from '../core/training/recipes/index.ts';
import { trainStep } from '../core/training/step.ts';
import type { EpochWork, KindredSide, StepBatch, StepWork } from './kindred-step.ts';
import type { HeadKind } from './results.ts';

const INPUT = 'conv5_block1_out';

function graphOf(head: HeadKind): NetworkGraph {
  const top: NetworkGraph['nodes'] =
    head === 'flatten'
      ? siameseHead('conv5_block3_out')
      : [{ op: 'global-average-pool', name: 'dense_3', inputs: ['conv5_block3_out'] }];
  return { inputSize: 200, nodes: [...resnet50.nodes(), ...top], output: 'dense_3', trainableAfter: INPUT };
}

/** The kernels of peers/common.py, so that losses can be compared. */
const hashed: WeightSource = (spec, start, count) => {
  const width = spec.shape.slice(1).reduce((a, b) => a * b, 1);
  const numbers = new Float32Array(count * width);
  if (spec.initial !== 'glorot-uniform') return numbers.fill(spec.initial === 'ones' ? 1 : 0);
  const seed = Number(spec.node.at(-1));
  const limit = Math.sqrt(6 / ((spec.shape[0] ?? 0) + (spec.shape[1] ?? 0)));
  for (let i = 0; i < numbers.length; i++) {
    let h = (start * width + i + Math.imul(seed, 0x9e3779b9)) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
    h = (h ^ (h >>> 16)) >>> 0;
    numbers[i] = ((h / 2 ** 32) * 2 - 1) * limit;
  }
  return numbers;
};

function asBatch({ rows, triplets }: StepBatch): Batch {
  const column = (i: 0 | 1 | 2): Int32Array => Int32Array.from(triplets, (triplet) => triplet[i]);
  return {
    rows: Int32Array.from(rows),
    triplets: { anchors: column(0), positives: column(1), negatives: column(2) },
  };
}

async function trainSteps(work: StepWork): ReturnType<KindredSide['trainSteps']> {
  const graph = graphOf(work.head);
  const file = new SafetensorsFile(work.weights);
  const network = new Network(graph, new ParameterStore(graph, firstOf(file, hashed)));
  const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate: work.learningRate });
  const pictures = work.features.length / (7 * 7 * 2048);
  const inputs: Tensor = tf.tensor4d(work.features, [pictures, 7, 7, 2048]);
  const learner = {
    network,
    inputNode: INPUT,
    inputs,
    labels: new Int32Array(pictures),
    loss: losses.triplet.create({ margin: work.margin, reduction: 'sum' }),
    distance: distances['squared-euclidean'],
    summedLoss: true,
  };
  const seconds: number[] = [];
  const seen: number[] = [];
  const random = new Random(1);
  for (let step = 0; step < work.warmup + work.steps; step++) {
    const batch = asBatch(work.batches[step % work.batches.length] as StepBatch);
    const started = performance.now();
    const { loss } = trainStep(learner, optimizer, batch, random);
    seconds.push((performance.now() - started) / 1000);
    seen.push(loss * (batch.triplets?.anchors.length ?? 1));
  }
  return {
    versions: describeEngine(),
    trainableWeights: countParameters(graph).trainable,
    seconds: seconds.slice(work.warmup),
    losses: seen,
  };
}

/** The recipe `siamese`, from decoding on; its own reports tell where the time went. */
async function mineAndTrain(work: EpochWork): ReturnType<KindredSide['mineAndTrain']> {
  const recipe = await loadRecipe('siamese');
  const { size, batch, margin, learningRate } = work;
  const options = recipeOptions('siamese', { size, batchSize: batch, margin, learningRate });
  const scratch = await mkdtemp(path.join(tmpdir(), 'kindred-bench-side-'));
  const backbone = new SafetensorsFile(work.weights);
  try {
    const started = performance.now();
    // Files are looked into when they are decoded, below; once is enough.
    const train = await openDataSet(openStore(work.data), '', { verify: 'header' });
    const progress: TrainingProgress[] = [];
    let minedAt = started;
    const report = (one: TrainingProgress): void => {
      if (one.phase === 'mining') minedAt = performance.now();
      progress.push(one);
    };
    const parts = await prepareParts({
      recipe,
      options,
      backbone: resnet50,
      pretrained: backbone,
      train,
      validation: null,
      folder: scratch,
      report,
    });
    const featuresAt = performance.now();
    const place = { store: memoryStore(), prefix: 'checkpoint/', scratch };
    const trained = await recipe.train(options, {
      backbone: resnet50,
      pretrained: backbone,
      train: parts.train,
      validation: null,
      seed: 1,
      checkpoints: new Checkpoints(place, 'bench'),
      resume: 'no',
      checkpointSeconds: 3600,
      report,
    });
    const mining = progress.find((one) => one.phase === 'mining');
    const epoch = trained.curve[0];
    const { trainable } = countParameters(trained.graph);
    trained.dispose();
    const triplets = mining?.triplets ?? 0;
    const miningSeconds = (featuresAt - started) / 1000 + (mining?.seconds ?? Number.NaN);
    return {
      versions: describeEngine(),
      pictures: parts.train.labels.length,
      trainableWeights: trainable,
      triplets,
      steps: Math.ceil(triplets / batch),
      loss: epoch?.loss ?? Number.NaN,
      // The recipe builds its network between the features and the mining.
      loadSeconds: minedAt / 1000 - miningSeconds,
      miningSeconds,
      epochSeconds: epoch?.seconds ?? Number.NaN,
    };
  } finally {
    backbone.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

export const kindredSide: KindredSide = { trainSteps, mineAndTrain };
