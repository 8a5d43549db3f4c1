/**
 * The default: what measures best from a handful of pictures a class.
 *
 * conv5_block2 and conv5_block3 are tuned with batch-hard triplets (Hermans et al. 2017) over cached conv5_block1_out
 * maps, batch normalisation frozen, no head. The embedding is the pooled last map beside the pooled map of
 * conv4_block6, each of unit length, whitened within classes (closed form), of unit length again.
 *
 * A few training pictures of each class are kept from the tuning, and the epoch that tells them best is taken. The
 * untuned network is epoch 0, so tuning never makes it worse there. The whitening then uses every training picture.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { z } from 'zod';
import type { NetworkGraph } from '../../network/graph.ts';
import { Network } from '../../network/network.ts';
import type { NetworkNode } from '../../network/ops/index.ts';
import { ParameterStore, fromFile } from '../../network/parameters.ts';
import { resnet50 } from '../../network/resnet50.ts';
import { tf } from '../../network/tensorflow.ts';
import { Random } from '../../random.ts';
import { ADAM_DEFAULTS, Adam } from '../adam.ts';
import { classBatches, rowsByLabel } from '../batches.ts';
import { distanceMatrix, distances } from '../distances/index.ts';
import { createLoss } from '../losses/index.ts';
import type { EpochRecord } from '../checkpoint.ts';
import { NOT_MEASURED, trainLoop } from '../loop.ts';
import type { Validation } from '../loop.ts';
import { miners } from '../miners/index.ts';
import { defineRecipe } from '../recipe.ts';
import type { Part, RecipeContext, TrainedNetwork } from '../recipe.ts';
import { embedRows } from '../step.ts';
import type { Learner } from '../step.ts';
import { withinClassWhitening } from '../whitening.ts';
import type { Whitening } from '../whitening.ts';

const INPUT = 'conv5_block1_out';
const LOWER = 'pooled_conv4';
const UPPER = 'pooled_conv5';
const DISTANCE = distances['squared-euclidean'];

const options = z.strictObject({
  size: z.int().min(32).max(1024).default(200).describe('side of the input in pixels'),
  epochs: z.int().min(0).default(8),
  stepsPerEpoch: z.int().min(1).default(25),
  classes: z.int().min(2).default(8).describe('classes a batch'),
  pictures: z.int().min(2).default(4).describe('pictures of each class in a batch'),
  miner: z.enum(['batch-hard', 'semi-hard', 'all', 'random', 'close-distance']).default('batch-hard'),
  loss: z.enum(['triplet', 'soft-margin', 'contrastive', 'multi-similarity']).default('triplet'),
  margin: z
    .number()
    .nonnegative()
    .default(0.3)
    .describe('how much farther than the positive a negative should be'),
  learningRate: z.number().positive().default(1e-5),
  shrinkage: z.number().positive().max(1).default(0.2).describe('of the within-class covariance'),
  select: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.25)
    .describe('share of each class kept from tuning to choose the epoch on'),
  patience: z.int().min(1).default(3).describe('stop after so many epochs without a better one'),
  enough: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe('stop when a smaller share of triplets is still active'),
});
type Options = z.output<typeof options>;

const pooling: NetworkNode[] = [
  { op: 'global-average-pool', name: LOWER, inputs: ['conv4_block6_out'] },
  { op: 'global-average-pool', name: UPPER, inputs: ['conv5_block3_out'] },
];

const unit = (name: string, input: string): NetworkNode => ({ op: 'l2-normalize', name, inputs: [input] });

/** The network whose loss is minimised: the last pooled map, of unit length. */
function tunedGraph({ size }: Options): NetworkGraph {
  const nodes = [...resnet50(), ...pooling, unit('unit_conv5', UPPER)];
  return { inputSize: size, nodes, output: 'unit_conv5', trainableAfter: INPUT };
}

/** The network that answers. */
function embeddingGraph(chosen: Options): NetworkGraph {
  const { nodes, inputSize, trainableAfter } = tunedGraph(chosen);
  const head: NetworkNode[] = [
    unit('unit_conv4', LOWER),
    { op: 'concat', name: 'two_maps', inputs: ['unit_conv5', 'unit_conv4'] },
    { op: 'dense', name: 'whitening', inputs: ['two_maps'], units: 2048 + 1024 },
    unit('embedding', 'whitening'),
  ];
  return { inputSize, nodes: [...nodes, ...head], output: 'embedding', trainableAfter };
}

/** Both pooled maps of every picture, each of unit length, side by side: (pictures, 3072). */
function twoMaps(network: Network, part: Part): Tensor2D {
  return tf.tidy(() => {
    const upper = embedRows(network, INPUT, part.features[INPUT] as Tensor);
    const lower = part.features[LOWER] as Tensor2D;
    return tf.concat([upper, lower.div(lower.square().sum(1, true).sqrt().maximum(1e-12))], 1) as Tensor2D;
  });
}

/** Rows to tune on and rows to choose the epoch on. Classes of one or two pictures are only tuned on. */
function splitRows(
  labels: Int32Array,
  share: number,
  random: Random,
): { tuned: Int32Array; kept: Int32Array } {
  const kept = new Set<number>();
  for (const rows of rowsByLabel(labels)) {
    const count = Math.min(Math.max(1, Math.round(rows.length * share)), rows.length - 2);
    if (share > 0 && count > 0) for (const row of random.shuffle([...rows]).slice(0, count)) kept.add(row);
  }
  const all = Array.from(labels, (_, row) => row);
  return {
    tuned: Int32Array.from(all.filter((row) => !kept.has(row))),
    kept: Int32Array.from(all.filter((row) => kept.has(row))),
  };
}

/**
 * Tells the kept rows by the tuned ones, whitened from these alone. The score is the share that is right plus the mean
 * relative margin (d_other - d_own) / (d_other + d_own), which still tells epochs apart when few pictures are kept.
 */
function validator(
  network: Network,
  part: Part,
  { tuned, kept }: ReturnType<typeof splitRows>,
  { shrinkage }: Options,
): () => Validation {
  if (kept.length === 0) return () => NOT_MEASURED;
  const labelsOf = (rows: Int32Array): Int32Array => rows.map((row) => part.labels[row] as number);
  return () => {
    const distancesToTuned = tf.tidy(() => {
      const features = twoMaps(network, part);
      const known = tf.gather(features, tf.tensor1d(tuned, 'int32')) as Tensor2D;
      const whitening = withinClassWhitening(known, labelsOf(tuned), shrinkage);
      const queries = tf.gather(features, tf.tensor1d(kept, 'int32')) as Tensor2D;
      return DISTANCE.pairwise(whiten(queries, whitening), whiten(known, whitening)).arraySync();
    });
    const margins = distancesToTuned.map((row, i) =>
      margin(row, labelsOf(tuned), part.labels[kept[i] as number] as number),
    );
    const accuracy = margins.filter((value) => value > 0).length / margins.length;
    return { loss: null, accuracy, score: accuracy + margins.reduce((a, b) => a + b, 0) / margins.length };
  };
}

/** (d_other - d_own) / (d_other + d_own), from the nearest picture of the own class and of any other; in [-1, 1]. */
function margin(row: readonly number[], labels: Int32Array, own: number): number {
  const nearest = (isWanted: (label: number) => boolean): number =>
    row.reduce(
      (least, value, i) => (isWanted(labels[i] as number) ? Math.min(least, value) : least),
      Infinity,
    );
  const [mine, other] = [nearest((label) => label === own), nearest((label) => label !== own)];
  return mine + other === 0 ? 0 : (other - mine) / (other + mine);
}

function whiten(features: Tensor2D, { kernel, bias }: Whitening): Tensor2D {
  const width = bias.length;
  const moved = tf.matMul(features, tf.tensor2d(kernel, [width, width])).add(bias);
  return moved.div(moved.square().sum(1, true).sqrt().maximum(1e-12)) as Tensor2D;
}

async function train(chosen: Options, context: RecipeContext): Promise<TrainedNetwork> {
  const described = tunedGraph(chosen);
  const network = new Network(described, new ParameterStore(described, fromFile(context.backbone)));
  const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate: chosen.learningRate });
  try {
    const random = new Random(context.seed);
    const rows = splitRows(context.train.labels, chosen.select, random);
    const { classes, pictures, stepsPerEpoch, miner } = chosen;
    const tunedLabels = rows.tuned.map((row) => context.train.labels[row] as number);
    const learner: Learner = {
      network,
      inputNode: INPUT,
      inputs: context.train.features[INPUT] as Tensor,
      labels: context.train.labels,
      loss: createLoss(chosen.loss, chosen.loss === 'triplet' ? { margin: chosen.margin } : {}),
      distance: DISTANCE,
      summedLoss: false,
      mine: (embeddings, labels, draw) =>
        miners[miner].mine(distanceMatrix(DISTANCE, embeddings), labels, { margin: chosen.margin }, draw),
    };
    const plan = {
      learner,
      optimizer,
      // With nothing kept to choose the epoch on, tuning could only be hoped to help.
      epochs: rows.kept.length === 0 ? 0 : chosen.epochs,
      batches: (draw: Random) =>
        classBatches(tunedLabels, { classes, pictures, count: stepsPerEpoch }, draw).map((batch) => ({
          ...batch,
          rows: batch.rows.map((row) => rows.tuned[row] as number),
        })),
      validate: validator(network, context.train, rows, chosen),
      keepBest: true,
      stopEarly: (curve: readonly EpochRecord[]) => isEnough(curve, chosen),
    };
    const curve = await trainLoop(plan, { ...context, random });
    return { ...embeddingNetwork(network, chosen, context), curve, dispose: () => network.dispose() };
  } catch (error) {
    network.dispose();
    throw error;
  } finally {
    optimizer.dispose();
  }
}

/** Nothing left to learn, or no better epoch for a while. */
function isEnough(curve: readonly EpochRecord[], { enough, patience }: Options): boolean {
  if ((curve.at(-1)?.active ?? 1) < enough) return true;
  const accuracies = curve.map(({ validationAccuracy }) => validationAccuracy ?? 0);
  const best = accuracies.lastIndexOf(Math.max(...accuracies));
  return curve.length - 1 - best >= patience;
}

/** The tuned network with the whitening behind it. */
function embeddingNetwork(network: Network, chosen: Options, { train: part }: RecipeContext) {
  const features = twoMaps(network, part);
  const { kernel, bias } = withinClassWhitening(features, part.labels, chosen.shrinkage);
  features.dispose();
  const width = bias.length;
  const weights = [
    ...network.parameters.sources(),
    { name: 'whitening/kernel', shape: [width, width], pieces: () => [kernel] },
    { name: 'whitening/bias', shape: [width], pieces: () => [bias] },
  ];
  return { graph: embeddingGraph(chosen), weights };
}

export const metric = defineRecipe({
  name: 'metric',
  summary:
    'the default: batch-hard triplets on the last blocks, then within-class whitening of two pooled maps',
  options,
  validates: false,
  preprocessing: ({ size }) => ({ size, fit: 'squash', kernel: 'cubic' }),
  frozen: ({ size }) => ({
    graph: { inputSize: size, nodes: [...resnet50(), ...pooling], output: UPPER, trainableAfter: null },
    nodes: [INPUT, LOWER],
  }),
  train,
});
