/** How the recipes metric and fast train; see metric.ts. */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { CancelledError } from '../../errors.ts';
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
import { losses } from '../losses/index.ts';
import type { Loss } from '../losses/index.ts';
import type { LossKind } from '../losses/loss.ts';
import { createMiner, miners } from '../miners/index.ts';
import type { MinerName } from '../miners/index.ts';
import { componentOptions } from '../options.ts';
import type { RecipeContext, RecipeTraining, TrainedNetwork } from '../recipe.ts';
import { judgeKept, keepForSelection } from '../selection.ts';
import type { Selection } from '../selection.ts';
import type { Learner } from '../step.ts';
import { frozenMaps, mapFeatures, pooledMaps, tunedMap, whitenedMaps } from '../pooled-maps.ts';
import { withinClassWhitening } from '../whitening.ts';

import type { MetricOptions } from './metric.ts';

/** Parts that the training pictures are asked for in. */
const FOLDS = 4;

async function train(chosen: MetricOptions, context: RecipeContext): Promise<TrainedNetwork> {
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
  chosen: MetricOptions,
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
  chosen: MetricOptions,
  context: RecipeContext,
  network: Network,
  optimizer: Adam,
  inputNode: string,
  rows: Selection,
  random: Random,
): Promise<LoopResult> {
  const { labels, features } = context.train;
  const { classes, pictures, stepsPerEpoch, miner } = chosen;
  const distance = distances[chosen.distance];
  const mineBy = (name: MinerName): NonNullable<Learner['mine']> => {
    const chosenMiner = createMiner(name, componentOptions(miners[name], chosen));
    return (embeddings, own, draw) => chosenMiner.mine(distanceMatrix(distance, embeddings), own, draw);
  };
  const trainedLabels = rows.trained.map((row) => labels[row] as number);
  const learner: Learner = {
    network,
    inputNode,
    inputs: features[inputNode] as Tensor,
    labels,
    loss: lossOf(chosen),
    distance,
    summedLoss: false,
    mine: mineBy(miner),
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
      ...(miner === 'batch-hard' && { miner: { name: 'semi-hard', mine: mineBy('semi-hard') } }),
    },
  };
  return trainLoop(plan, { ...context, random });
}

/** The untrained network has all that is kept right: only then is its score, see {@link judgeKept}, above 1. */
const nothingToGain = (best: Best | null): boolean => best?.epoch === 0 && best.score > 1;

function lossOf(chosen: MetricOptions): Loss {
  const kind: LossKind = losses[chosen.loss];
  return kind.create(componentOptions(kind, chosen));
}

/** Nothing left to learn, or no better epoch for a while. */
function isEnough(curve: readonly EpochRecord[], { enough, patience }: MetricOptions): boolean {
  if ((curve.at(-1)?.active ?? 1) < enough) return true;
  const accuracies = curve.map(({ validationAccuracy }) => validationAccuracy ?? 0);
  return curve.length - 1 - accuracies.indexOf(Math.max(...accuracies)) >= patience;
}

export const metricTraining: RecipeTraining<MetricOptions> = {
  validates: false,
  preprocessing: ({ size }) => ({ size, fit: 'squash', kernel: 'cubic' }),
  frozen: (chosen, backbone) => frozenMaps(pooledMaps(backbone, chosen)),
  train,
};
