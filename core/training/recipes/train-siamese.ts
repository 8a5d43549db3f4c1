/** How the recipe siamese trains; see siamese.ts. */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node';
import { lastMap } from '../../network/backbones/backbone.ts';
import type { Backbone } from '../../network/backbones/backbone.ts';
import type { NetworkGraph } from '../../network/graph.ts';
import { siameseHead } from '../../network/heads.ts';
import { Network } from '../../network/network.ts';
import { ParameterStore, firstOf, fresh } from '../../network/parameters.ts';
import { tf } from '../../network/tensorflow.ts';
import { Random } from '../../random.ts';
import { ADAM_DEFAULTS, Adam } from '../adam.ts';
import { tripletBatches } from '../batches.ts';
import { distanceMatrix, distances } from '../distances/index.ts';
import { losses } from '../losses/index.ts';
import type { Loss } from '../losses/index.ts';
import { trainLoop } from '../loop.ts';
import { NOT_MEASURED } from '../loop.ts';
import type { Validation } from '../loop.ts';
import { createMiner } from '../miners/index.ts';
import type { Part, RecipeContext, RecipeTraining, TrainedNetwork } from '../recipe.ts';
import { embedRows } from '../step.ts';
import type { Learner } from '../step.ts';
import type { Triplets } from '../triplets.ts';
import type { SiameseOptions } from './siamese.ts';

const DISTANCE = distances['squared-euclidean'];

function graph({ size }: SiameseOptions, backbone: Backbone): NetworkGraph {
  const nodes = [...backbone.nodes(), ...siameseHead(lastMap(backbone).node)];
  return { inputSize: size, nodes, output: 'dense_3', trainableAfter: backbone.tunedAfter };
}

/** Every (anchor, positive) pair of a class with one negative, from the embeddings that the network gives now. */
function mineAll(network: Network, part: Part, { miner }: SiameseOptions, random: Random): Triplets {
  const embeddings = embedPart(network, part);
  const matrix = distanceMatrix(DISTANCE, embeddings);
  embeddings.dispose();
  return createMiner(miner).mine(matrix, part.labels, random);
}

async function train(chosen: SiameseOptions, context: RecipeContext): Promise<TrainedNetwork> {
  const random = new Random(context.seed);
  const described = graph(chosen, context.backbone);
  const inputNode = context.backbone.tunedAfter;
  const network = new Network(
    described,
    new ParameterStore(described, firstOf(context.pretrained, fresh(random))),
  );
  const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate: chosen.learningRate });
  try {
    const loss = losses.triplet.create({ margin: chosen.margin, reduction: 'sum' });
    const started = performance.now();
    const triplets = mineAll(network, context.train, chosen, random);
    const validate = validator(network, context.validation, chosen, loss, random);
    const seconds = (performance.now() - started) / 1000;
    context.report({ phase: 'mining', triplets: triplets.anchors.length, seconds });
    const learner: Learner = {
      network,
      inputNode,
      inputs: context.train.features[inputNode] as Tensor,
      labels: context.train.labels,
      loss,
      distance: DISTANCE,
      summedLoss: true,
    };
    const plan = {
      learner,
      optimizer,
      epochs: chosen.epochs,
      batches: (draw: Random) => tripletBatches(triplets, chosen.batchSize, draw),
      validate,
      keepBest: false,
      afterCollapse: {
        // The numbers that the head was drawn with: the first ones that the seed gives.
        restart: () => network.parameters.reset(firstOf(context.pretrained, fresh(new Random(context.seed)))),
      },
    };
    const learnt = await trainLoop(plan, { ...context, random });
    return {
      graph: described,
      weights: network.parameters.sources(),
      ...learnt,
      dispose: () => network.dispose(),
    };
  } catch (error) {
    network.dispose();
    throw error;
  } finally {
    optimizer.dispose();
  }
}

/** Embeddings of a part's images as the network is now. */
function embedPart(network: Network, { features }: Part): Tensor2D {
  const input = network.graph.trainableAfter as string;
  return embedRows(network, input, features[input] as Tensor);
}

/** Mean loss over the validation pictures' own triplets, which are chosen once. */
function validator(
  network: Network,
  part: Part | null,
  chosen: SiameseOptions,
  loss: Loss,
  random: Random,
): () => Validation {
  const triplets = part && mineAll(network, part, chosen, random);
  if (part === null || triplets === null || triplets.anchors.length === 0) return () => NOT_MEASURED;
  return () => {
    const sum = tf.tidy(() => {
      const embeddings = embedPart(network, part);
      const value = loss.value({ embeddings, labels: part.labels, triplets, distance: DISTANCE }).loss;
      return value.dataSync()[0] as number;
    });
    const mean = sum / triplets.anchors.length;
    return { loss: mean, accuracy: null, score: -mean };
  };
}

export const siameseTraining: RecipeTraining<SiameseOptions> = {
  validates: true,
  preprocessing: ({ size }) => ({ size, fit: 'squash', kernel: 'linear' }),
  frozen: ({ size }, backbone) => ({
    graph: { inputSize: size, nodes: backbone.nodes(), output: backbone.tunedAfter, trainableAfter: null },
    nodes: [backbone.tunedAfter],
  }),
  train,
};
