/**
 * The default: what measures best from a handful of pictures a class.
 *
 * The embedding is two maps of the backbone, pooled by their maxima and by cells of a grid, whitened within classes in closed form.
 * The last blocks are tuned first (of ResNet50 conv5_block2 and conv5_block3), with batch-hard triplets (Hermans et al. 2017) over cached maps, batch normalisation
 * frozen, no head. A share of each class is kept out of the tuning to choose the epoch on, and the untuned network
 * wins unless an epoch is clearly better, so that tuning does not make it worse. The whitening uses every picture. By
 * which rule to decide, and how much to shrink, is told by cross-fitting.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { z } from 'zod';
import { CancelledError } from '../../errors.ts';
import { MAP_NAMES } from '../../network/backbones/index.ts';
import { Network } from '../../network/network.ts';
import { ParameterStore, fromFile } from '../../network/parameters.ts';
import { Random } from '../../random.ts';
import { ADAM_DEFAULTS, Adam } from '../adam.ts';
import { classBatches } from '../batches.ts';
import type { Best, EpochRecord } from '../checkpoint.ts';
import { chooseDecision } from '../choose-decision.ts';
import { stratifiedFolds } from '../cross-fit.ts';
import { distanceMatrix, distances } from '../distances/index.ts';
import { NOT_MEASURED, trainLoop } from '../loop.ts';
import type { LoopResult } from '../loop.ts';
import { createLoss } from '../losses/index.ts';
import { miners } from '../miners/index.ts';
import { defineRecipe } from '../recipe.ts';
import type { RecipeContext, TrainedNetwork } from '../recipe.ts';
import { RULES } from '../../gallery/rules.ts';
import { judgeKept, keepForSelection } from '../selection.ts';
import type { Selection } from '../selection.ts';
import type { Learner } from '../step.ts';
import {
  POOLING_NAMES,
  frozenMaps,
  mapFeatures,
  pooledMaps,
  tunedMap,
  whitenedMaps,
} from '../pooled-maps.ts';
import { withinClassWhitening } from '../whitening.ts';

/** Parts that the training pictures are asked for in. */
const FOLDS = 4;

const DISTANCE = distances['squared-euclidean'];

const share = z.number().min(0).max(1);
const optionsAt = (usualSize: number) =>
  z.strictObject({
    size: z.int().min(32).max(1024).default(usualSize).describe('side of the input in pixels'),
    scales: z
      .array(z.number().min(0.1).max(1))
      .min(1)
      .max(4)
      .refine((scales) => scales.includes(1), 'one of them has to be 1, the whole size')
      .default([1])
      .describe('shares of that size to look at'),
    maps: z
      .array(z.enum(MAP_NAMES))
      .max(2)
      .default([])
      .describe('of the backbone, to take features from; empty: all of them'),
    poolings: z
      .array(z.enum(POOLING_NAMES))
      .min(1)
      .max(POOLING_NAMES.length)
      .default(['max', 'cells'])
      .describe('what is taken from each map'),
    dimensions: z.int().min(2).max(4096).default(512).describe('numbers in an embedding'),
    shrinkages: z
      .array(z.number().positive().max(1))
      .min(1)
      .max(8)
      .default([0.2, 0.05, 0.6])
      .describe('of the within-class covariance; the first, unless another is clearly better'),
    rules: z
      .array(z.enum(RULES))
      .min(1)
      .max(RULES.length)
      .default(['class-mean', 'nearest', 'k-nearest'])
      .describe('to decide by; the best of them, the first of equals'),
    epochs: z.int().min(0).default(8).describe('0: no tuning'),
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
    select: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.25)
      .describe('share of each class kept from tuning to choose the epoch on; 0: no tuning'),
    caution: z
      .number()
      .nonnegative()
      .default(0.6)
      .describe('tuning, or another shrinkage, must gain this / sqrt(pictures asked) in accuracy'),
    patience: z.int().min(1).default(2).describe('stop after so many epochs without a better one'),
    enough: share.default(0.02).describe('stop when a smaller share of triplets is still active'),
  });
type Options = z.output<ReturnType<typeof optionsAt>>;

async function train(chosen: Options, context: RecipeContext): Promise<TrainedNetwork> {
  const maps = pooledMaps(context.backbone, chosen);
  const { from, ...graph } = tunedMap(maps);
  const network = new Network(graph, new ParameterStore(graph, fromFile(context.pretrained)));
  const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate: chosen.learningRate });
  try {
    const random = new Random(context.seed);
    const { labels, groups } = context.train;
    const rows = keepForSelection(labels, chosen.select, random, groups);
    const learnt = await tune(chosen, context, network, optimizer, from, rows, random);
    if (rows.kept.length > 0 && chosen.epochs > 0) {
      context.report({ phase: 'note', text: whichIsTaken(learnt) });
    }
    const folds = foldsOf(context, rows, learnt.epoch);
    const features = mapFeatures(maps, network, context.train.features, context.scratch);
    const { whitening, ...decision } = await whitened(features.rows, folds, chosen, context).finally(() =>
      features.dispose(),
    );
    const { kernel, bias } = whitening;
    const weights = [
      ...network.parameters.sources(),
      { name: 'whitening/kernel', shape: [maps.width, bias.length], pieces: () => [kernel] },
      { name: 'whitening/bias', shape: [bias.length], pieces: () => [bias] },
    ];
    const embedding = whitenedMaps(maps, chosen.dimensions);
    return { graph: embedding, weights, ...learnt, ...decision, dispose: () => network.dispose() };
  } catch (error) {
    network.dispose();
    throw error;
  } finally {
    optimizer.dispose();
  }
}

/** In words, for who watches. */
function whichIsTaken({ epoch, curve }: LoopResult): string {
  if (epoch > 0) return `Epoch ${epoch} is taken: it is the best one on the pictures set aside.`;
  return curve.length === 0
    ? 'Nothing is tuned: the pretrained network already has every picture set aside right.'
    : 'The pretrained network is kept: no epoch is clearly better on the pictures set aside.';
}

/** How to whiten and to decide; what was chosen by goes along. */
async function whitened(
  features: Tensor2D,
  folds: readonly Int32Array[],
  chosen: Options,
  { train: { labels }, signal }: RecipeContext,
) {
  const pause = async (): Promise<void> => {
    // Lets signals and timers in: TensorFlow's work blocks this thread.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) {
      throw new CancelledError('Stopped while the way to decide was being chosen; a checkpoint is kept.');
    }
  };
  const { shrinkage, ...decision } = await chooseDecision(features, labels, folds, { ...chosen, pause });
  return { ...decision, whitening: withinClassWhitening(features, labels, { ...chosen, shrinkage }) };
}

/** Whom to ask for thresholds: everybody in turn; but those that were tuned on no longer count, if any tuning was done. */
function foldsOf(
  { train: { labels, groups }, seed }: RecipeContext,
  { kept }: Selection,
  epoch: number,
): Int32Array[] {
  if (epoch > 0 && kept.length > 0) return [kept];
  return stratifiedFolds(labels, FOLDS, new Random(seed), groups);
}

async function tune(
  chosen: Options,
  context: RecipeContext,
  network: Network,
  optimizer: Adam,
  inputNode: string,
  rows: Selection,
  random: Random,
): Promise<LoopResult> {
  const { labels, features } = context.train;
  const { classes, pictures, stepsPerEpoch, miner, margin } = chosen;
  const trainedLabels = rows.trained.map((row) => labels[row] as number);
  const learner: Learner = {
    network,
    inputNode,
    inputs: features[inputNode] as Tensor,
    labels,
    loss: createLoss(chosen.loss, chosen.loss === 'triplet' ? { margin } : {}),
    distance: DISTANCE,
    summedLoss: false,
    mine: mineBy(miner, margin),
  };
  const judge = () => {
    if (rows.kept.length === 0) return NOT_MEASURED;
    const now = mapFeatures(pooledMaps(context.backbone, chosen), network, features, context.scratch);
    const [shrinkage = 1] = chosen.shrinkages;
    const validation = judgeKept(now.rows, labels, rows, { ...chosen, shrinkage });
    now.dispose();
    return validation;
  };
  const plan = {
    learner,
    optimizer,
    // With nothing kept to choose the epoch on, tuning could only be hoped to help.
    epochs: rows.kept.length === 0 ? 0 : chosen.epochs,
    batches: (draw: Random) =>
      classBatches(trainedLabels, { classes, pictures, count: stepsPerEpoch }, draw).map((batch) => ({
        ...batch,
        rows: batch.rows.map((row) => rows.trained[row] as number),
      })),
    validate: judge,
    keepBest: true,
    // A third more than the standard error of the difference between two accuracies where a fifth of the answers differ.
    handicap: chosen.caution / Math.sqrt(Math.max(1, rows.kept.length)),
    stopEarly: (curve: readonly EpochRecord[], best: Best | null) =>
      nothingToGain(best) || isEnough(curve, chosen),
    afterCollapse: {
      restart: () => network.parameters.reset(fromFile(context.pretrained)),
      ...(miner === 'batch-hard' && { miner: { name: 'semi-hard', mine: mineBy('semi-hard', margin) } }),
    },
  };
  return trainLoop(plan, { ...context, random });
}

/** The untrained network has all that is kept right: only then is its score, see {@link judgeKept}, above 1. */
const nothingToGain = (best: Best | null): boolean => best?.epoch === 0 && best.score > 1;

const mineBy =
  (miner: Options['miner'], margin: number): NonNullable<Learner['mine']> =>
  (embeddings, own, draw) =>
    miners[miner].mine(distanceMatrix(DISTANCE, embeddings), own, { margin }, draw);

/** Nothing left to learn, or no better epoch for a while. */
function isEnough(curve: readonly EpochRecord[], { enough, patience }: Options): boolean {
  if ((curve.at(-1)?.active ?? 1) < enough) return true;
  const accuracies = curve.map(({ validationAccuracy }) => validationAccuracy ?? 0);
  return curve.length - 1 - accuracies.indexOf(Math.max(...accuracies)) >= patience;
}

/** The recipe at an input size; what a picture costs grows with its square. */
export const metricRecipe = (name: string, summary: string, usualSize: number) =>
  defineRecipe({
    name,
    summary,
    options: optionsAt(usualSize),
    validates: false,
    preprocessing: ({ size }) => ({ size, fit: 'squash', kernel: 'cubic' }),
    frozen: (chosen, backbone) => frozenMaps(pooledMaps(backbone, chosen)),
    train,
  });

export const metric = metricRecipe(
  'metric',
  'the default: pooled maps at 288 pixels whitened within classes, the last blocks tuned where that helps',
  288,
);
