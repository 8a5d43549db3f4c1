/** A training that takes milliseconds: two dense layers over vectors of 12 numbers, in classes that overlap. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PIXELS } from '../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, fresh } from '../../../core/network/parameters.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { ADAM_DEFAULTS, Adam } from '../../../core/training/adam.ts';
import { classBatches } from '../../../core/training/batches.ts';
import { Checkpoints } from '../../../core/training/checkpoint.ts';
import { distanceMatrix, distances } from '../../../core/training/distances/index.ts';
import type { LoopContext, LoopPlan } from '../../../core/training/loop.ts';
import { losses } from '../../../core/training/losses/index.ts';
import { miners } from '../../../core/training/miners/index.ts';
import type { TrainingProgress } from '../../../core/training/progress.ts';
import type { Learner } from '../../../core/training/step.ts';

const CLASSES = 4;
const PICTURES = 5;
/** Large enough for most triplets to teach something. */
export const MARGIN = 6;

export const denseGraph: NetworkGraph = {
  inputSize: 2,
  nodes: [
    { op: 'flatten', name: 'x', inputs: [PIXELS] },
    { op: 'dense', name: 'hidden', inputs: ['x'], units: 8, relu: true },
    { op: 'dense', name: 'out', inputs: ['hidden'], units: 4 },
  ],
  output: 'out',
  trainableAfter: 'x',
};

export interface SmallTraining {
  readonly learner: Learner;
  readonly optimizer: Adam;
  readonly plan: LoopPlan;
  /** All trained weights, copied. */
  readonly weights: () => number[];
  dispose(): void;
}

export const labels = Int32Array.from({ length: CLASSES * PICTURES }, (_, i) => i % CLASSES);

/** Starts always alike. */
export function smallTraining(change: Partial<LoopPlan> = {}): SmallTraining {
  const random = new Random(11);
  const inputs = tf.tensor2d(
    Array.from(labels, (label) =>
      Array.from({ length: 12 }, (_, k) => random.normal() + (k === label ? 1.5 : 0)),
    ),
  );
  const network = new Network(denseGraph, new ParameterStore(denseGraph, fresh(new Random(5))));
  const optimizer = new Adam(network.parameters, { ...ADAM_DEFAULTS, learningRate: 0.01 });
  const distance = distances['squared-euclidean'];
  const learner: Learner = {
    network,
    inputNode: 'x',
    inputs,
    labels,
    loss: losses.triplet.create({ margin: MARGIN }),
    distance,
    summedLoss: false,
    mine: (embeddings, own, draw) =>
      miners.random.create().mine(distanceMatrix(distance, embeddings), own, draw),
  };
  const plan: LoopPlan = {
    learner,
    optimizer,
    epochs: 2,
    batches: (draw) => classBatches(labels, { classes: 3, pictures: 3, count: 3 }, draw),
    validate: () => ({ loss: null, accuracy: null, score: null }),
    keepBest: false,
    ...change,
  };
  return {
    learner,
    optimizer,
    plan,
    weights: () => [...network.parameters.variables()].flatMap(({ variable }) => [...variable.numbers()]),
    dispose() {
      optimizer.dispose();
      network.dispose();
      inputs.dispose();
    },
  };
}

/** A folder for the time of the work. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-training-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a loop needs besides its plan; no checkpoint is due by time. */
export function contextOn(
  store: ObjectStore,
  scratch: string,
  change: Partial<LoopContext> = {},
): LoopContext {
  return {
    random: new Random(1),
    checkpoints: new Checkpoints({ store, prefix: 'jobs/1/', scratch }, 'this training'),
    resume: 'no',
    checkpointSeconds: 1e9,
    report: () => undefined,
    ...change,
  };
}

/** Stops a training after so many batches: by the signal, or by dying on the spot. */
export function stopAfter(batches: number, how: 'signal' | 'death'): Partial<LoopContext> {
  const controller = new AbortController();
  let seen = 0;
  const report = ({ phase }: TrainingProgress): void => {
    if (phase !== 'training' || ++seen < batches) return;
    if (how === 'death') throw new Error('killed');
    controller.abort();
  };
  return { signal: controller.signal, report };
}
