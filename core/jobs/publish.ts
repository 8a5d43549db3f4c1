/** The end of a training: gallery, evaluation, the version's files, publication, alias. */
import { readFile } from 'node:fs/promises';
import type { Embedder } from '../embedding/embedder.ts';
import { writeGallery } from '../gallery/arrow.ts';
import { calibrate } from '../gallery/calibration.ts';
import type { Calibration } from '../gallery/calibration.ts';
import { createGallery } from '../gallery/gallery.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { DataSet, Picture } from '../images/dataset.ts';
import { snapshot } from '../images/snapshot.ts';
import { describeNetwork } from '../network/saved-network.ts';
import { countParameters } from '../network/graph.ts';
import { encode } from '../registry/documents.ts';
import type { DataSetSnapshot, Manifest } from '../registry/manifest.ts';
import type { TrainedNetwork } from '../training/recipe.ts';
import { confusionSvg, evaluate } from '../training/evaluation/index.ts';
import type { Evaluation } from '../training/evaluation/index.ts';
import type { Job } from './job.ts';
import type { TrainingContext, TrainingData } from './train.ts';

export interface TrainingResult {
  readonly job: string;
  readonly model: string;
  readonly version: number;
  readonly recipe: string;
  readonly metrics: Manifest['metrics'];
  readonly seconds: number;
  readonly promoted: boolean;
  /** Null where there was nothing to judge on. */
  readonly evaluation: Evaluation | null;
}

/** What a recipe tells of its training besides the network. */
export type LearningRecord = Pick<TrainedNetwork, 'curve' | 'epoch'> & {
  readonly leftOut: TrainedNetwork['leftOut'] | undefined;
};

export interface Outcome {
  readonly job: Job;
  readonly recipe: { readonly name: string; readonly options: Record<string, never> };
  readonly data: TrainingData;
  readonly context: TrainingContext;
  readonly embedder: Embedder;
  readonly learnt: LearningRecord;
  /** Local files of the trained network. */
  readonly network: { readonly model: string; readonly weights: string };
  embed(pictures: readonly Picture[], part: string): Promise<Gallery>;
  seconds(): number;
}

/** Publishes one version for the job, however often it is called, and moves the alias if that was asked for. */
export async function publishTraining(outcome: Outcome): Promise<TrainingResult> {
  const { job, context } = outcome;
  const { model, promote, recipe } = job.request;
  const { gallery, evaluation, calibration } = await judge(outcome);
  context.report({ phase: 'publishing' });
  const files = await filesOf(outcome, gallery, evaluation, calibration);
  const manifest = await context.registry.publish(model, {
    recipe: { name: recipe, options: outcome.recipe.options },
    seed: job.request.seed,
    dataSet: snapshotOf(outcome.data.train),
    testSet: outcome.data.test && snapshotOf(outcome.data.test),
    libraries: context.libraries,
    engine: outcome.embedder.engine,
    metrics: metricsOf(gallery, evaluation),
    parent: null,
    createdBy: context.createdBy,
    job: job.id,
    files,
  });
  const { version } = manifest;
  if (promote) {
    await context.registry.move(model, 'production', version, {
      by: context.createdBy,
      why: `training ${job.id}`,
    });
  }
  const { metrics } = manifest;
  return {
    job: job.id,
    model,
    version,
    recipe,
    metrics,
    seconds: outcome.seconds(),
    promoted: promote,
    evaluation,
  };
}

const snapshotOf = (dataSet: DataSet): DataSetSnapshot => ({
  name: dataSet.name,
  pictures: [...snapshot(dataSet).pictures],
});

interface Judgement {
  readonly gallery: Gallery;
  readonly evaluation: Evaluation | null;
  readonly calibration: Calibration | null;
}

/** Judged with the pictures learnt from as the gallery; pictures that were held out for that join it afterwards. */
async function judge({ data, embed, learnt: { leftOut } }: Outcome): Promise<Judgement> {
  const learnt = await embed(data.train.pictures, 'training');
  const queries = data.test && (await embed(data.test.pictures, 'test'));
  const evaluation = queries && evaluate(queries, learnt);
  const gallery = queries && data.heldOut ? joined(learnt, queries) : learnt;
  return { gallery, evaluation, calibration: calibrate(gallery, { leftOut }) };
}

function joined(first: Gallery, second: Gallery): Gallery {
  const embeddings = new Float32Array(first.embeddings.length + second.embeddings.length);
  embeddings.set(first.embeddings);
  embeddings.set(second.embeddings, first.embeddings.length);
  return createGallery({
    ...first,
    keys: [...first.keys, ...second.keys],
    classes: [...first.classes, ...second.classes],
    sha256: [...first.sha256, ...second.sha256],
    embeddings,
  });
}

async function filesOf(
  { network, learnt, recipe, job }: Outcome,
  gallery: Gallery,
  evaluation: Evaluation | null,
  calibration: Calibration | null,
): Promise<Record<string, Uint8Array | { file: string }>> {
  const parameters = countParameters(describeNetwork(await readFile(network.model)).graph);
  const text = new TextEncoder();
  return {
    'network/model.json': { file: network.model },
    'network/weights.bin': { file: network.weights },
    'gallery.arrow': writeGallery(gallery),
    'training.json': encode({
      recipe,
      seed: job.request.seed,
      parameters,
      epoch: learnt.epoch,
      curve: learnt.curve,
    }),
    'evaluation.json': encode({ evaluation, calibration }),
    ...(evaluation && { 'confusion.svg': text.encode(confusionSvg(evaluation.confusion)) }),
  };
}

function metricsOf(gallery: Gallery, evaluation: Evaluation | null): Manifest['metrics'] {
  const counts = { pictures: gallery.keys.length, classes: new Set(gallery.classes).size };
  if (evaluation === null) return counts;
  const { accuracy, macroAccuracy, mapAtR, images } = evaluation;
  return { ...counts, testImages: images, accuracy, macroAccuracy, mapAtR };
}
