/** How the recipe projection trains. */
import type { Tensor } from '@tensorflow/tfjs-node';
import { lastMap } from '../../../core/network/backbones/backbone.ts';
import type { Backbone } from '../../../core/network/backbones/backbone.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { Network } from '../../../core/network/network.ts';
import type { NetworkNode } from '../../../core/network/ops/index.ts';
import { ParameterStore, firstOf, fresh } from '../../../core/network/parameters.ts';
import { Random } from '../../../core/random.ts';
import { ADAM_DEFAULTS, Adam } from '../../../core/training/adam.ts';
import { classBatches } from '../../../core/training/batches.ts';
import { distanceMatrix, distances } from '../../../core/training/distances/index.ts';
import { NOT_MEASURED, trainLoop } from '../../../core/training/loop.ts';
import { losses } from '../../../core/training/losses/index.ts';
import { miners } from '../../../core/training/miners/index.ts';
import type { RecipeContext, RecipeTraining, TrainedNetwork } from '../../../core/training/recipe.ts';
import type { Learner } from '../../../core/training/step.ts';
import type { ProjectionOptions } from './projection.ts';

const POOLED = 'pooled';
const DISTANCE = distances['squared-euclidean'];

/** From pixels to one number a channel: what is frozen, and computed once for every picture. */
function pooledMap(backbone: Backbone): NetworkNode[] {
  const inputs = [lastMap(backbone).node];
  return [...backbone.nodes(), { op: 'global-average-pool', name: POOLED, inputs }];
}

/** The whole network; what comes after `trainableAfter` is trained. */
function graph({ size, dimensions }: ProjectionOptions, backbone: Backbone): NetworkGraph {
  return {
    inputSize: size,
    nodes: [
      ...pooledMap(backbone),
      { op: 'dense', name: 'projection', inputs: [POOLED], units: dimensions },
      { op: 'l2-normalize', name: 'embedding', inputs: ['projection'] },
    ],
    output: 'embedding',
    trainableAfter: POOLED,
  };
}

async function train(chosen: ProjectionOptions, context: RecipeContext): Promise<TrainedNetwork> {
  const { margin, learningRate, epochs } = chosen;
  const miner = miners['batch-hard'].create();
  const { features, labels } = context.train;
  const random = new Random(context.seed);
  const described = graph(chosen, context.backbone);
  // The backbone's weights come from its file; what is new starts at random.
  const weights = new ParameterStore(described, firstOf(context.pretrained, fresh(random)));
  const network = new Network(described, weights);
  const optimizer = new Adam(weights, { ...ADAM_DEFAULTS, learningRate });
  const learner: Learner = {
    network,
    inputNode: POOLED,
    inputs: features[POOLED] as Tensor,
    labels,
    loss: losses.triplet.create({ margin }),
    distance: DISTANCE,
    summedLoss: false,
    mine: (embeddings, own, draw) => miner.mine(distanceMatrix(DISTANCE, embeddings), own, draw),
  };
  const plan = {
    learner,
    optimizer,
    epochs,
    batches: (draw: Random) => classBatches(labels, { classes: 8, pictures: 4, count: 20 }, draw),
    validate: () => NOT_MEASURED,
    keepBest: false,
  };
  try {
    const learnt = await trainLoop(plan, { ...context, random });
    return { graph: described, weights: weights.sources(), ...learnt, dispose: () => network.dispose() };
  } catch (error) {
    network.dispose();
    throw error;
  } finally {
    optimizer.dispose();
  }
}

export const projectionTraining: RecipeTraining<ProjectionOptions> = {
  validates: false,
  preprocessing: ({ size }) => ({ size, fit: 'squash', kernel: 'cubic' }),
  frozen: ({ size }, backbone) => ({
    graph: { inputSize: size, nodes: pooledMap(backbone), output: POOLED, trainableAfter: null },
    nodes: [POOLED],
  }),
  train,
};
