/** What a recipe is: a declaration that says what it is called and takes, and a training that it loads when it is used. */
import type { Tensor } from '@tensorflow/tfjs-node';
import type { z } from 'zod';
import type { PairDistances } from '../gallery/calibration.ts';
import type { LeftOut } from '../gallery/leave-one-out.ts';
import type { Rule } from '../gallery/rules.ts';
import type { Preprocessing } from '../images/pixels.ts';
import type { NetworkGraph } from '../network/graph.ts';
import type { Backbone } from '../network/backbones/backbone.ts';
import type { SafetensorsFile } from '../network/safetensors.ts';
import type { ArraySource } from '../network/safetensors.ts';
import type { EpochRecord } from './checkpoint.ts';
import type { TriedDecision } from './choose-decision.ts';
import type { LoopContext } from './loop.ts';

/** Pictures by what the frozen part of the network makes of them. */
export interface Part {
  /** By node name: (pictures, ...shape). */
  readonly features: Readonly<Record<string, Tensor>>;
  /** The class of each picture, as a number; the same numbers in every part. */
  readonly labels: Int32Array;
  /** Rows that show the same picture have the same number here; absent: none are known to. See {@link groupsOf}. */
  readonly groups?: Int32Array;
}

export interface RecipeContext extends Omit<LoopContext, 'random'> {
  readonly backbone: Backbone;
  /** The backbone's weights. */
  readonly pretrained: SafetensorsFile;
  readonly train: Part;
  /** Pictures that are never trained on: losses and accuracies while training are measured on them. */
  readonly validation: Part | null;
  readonly seed: number;
  /** Local folder for arrays that may be larger than memory; absent: they have to fit. */
  readonly scratch?: string | undefined;
}

/** A network that embeds, from pixels on. */
export interface TrainedNetwork {
  readonly graph: NetworkGraph;
  /** Every parameter of the graph. */
  readonly weights: readonly ArraySource[];
  readonly curve: readonly EpochRecord[];
  /** The epoch whose weights these are; 0: nothing was tuned. */
  readonly epoch: number;
  /** How a first attempt to train collapsed; null or absent: it did not. */
  readonly collapse?: string | null;
  /** What training pictures would have been told had training not seen them; absent: the gallery's own distances tell. */
  readonly leftOut?: readonly LeftOut[];
  /** How far apart two pictures are of which training has not seen either; absent: nobody knows. */
  readonly pairs?: PairDistances;
  /** What to decide by. @default nearest */
  readonly rule?: Rule;
  /** Ways to decide that were tried to choose it; absent: there was no choice. */
  readonly tried?: readonly TriedDecision[];
  dispose(): void;
}

/** How a recipe trains: its network, miner, loss, optimizer and schedule. */
export interface RecipeTraining<O> {
  /** Whether it measures on the validation pictures while it trains. */
  readonly validates: boolean;
  preprocessing(options: O): Preprocessing;
  /** The frozen network, and which of its nodes the recipe learns from. */
  frozen(options: O, backbone: Backbone): { graph: NetworkGraph; nodes: readonly string[] };
  train(options: O, context: RecipeContext): Promise<TrainedNetwork>;
}

/** What can be known of a recipe without loading what trains. */
export interface Recipe<S extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** Options with their defaults; unknown keys are refused. */
  readonly options: S;
  load(): Promise<RecipeTraining<z.output<S>>>;
}

/** A recipe that is ready to train. */
export interface LoadedRecipe extends RecipeTraining<unknown> {
  readonly name: string;
}

/** Keeps the type of the options between a recipe's parts. */
export function defineRecipe<S extends z.ZodType>(recipe: Recipe<S>): Recipe<S> {
  return recipe;
}
