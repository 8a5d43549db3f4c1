/**
 * A training from data sets to a version that answers: features, recipe, network saved and read back, gallery,
 * evaluation with what was read back, publication, alias. What is evaluated is what is published.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Embedder } from '../embedding/embedder.ts';
import { embedPictures } from '../embedding/embed-pictures.ts';
import { tfjsEmbedder } from '../embedding/tfjs.ts';
import { CancelledError, InvalidInputError, KindredError } from '../errors.ts';
import { createGallery } from '../gallery/gallery.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { snapshot } from '../images/snapshot.ts';
import type { DataSet, Picture } from '../images/dataset.ts';
import { MODEL_FILE, WEIGHTS_FILE, readNetwork, saveNetwork } from '../network/saved-network.ts';
import { SafetensorsFile } from '../network/safetensors.ts';
import type { Registry } from '../registry/registry.ts';
import { Checkpoints } from '../training/checkpoint.ts';
import { parseOptions } from '../training/losses/options.ts';
import type { Report } from '../training/progress.ts';
import { recipeNamed } from '../training/recipes/index.ts';
import type { Recipe, TrainedNetwork } from '../training/recipe.ts';
import { checkpointPrefix, now, updateJob } from './job.ts';
import type { Job, TrainingRequest } from './job.ts';
import { takeJob } from './owner.ts';
import { prepareParts } from './parts.ts';
import { publishTraining } from './publish.ts';
import type { LearningRecord, TrainingResult } from './publish.ts';
import { watchJob } from './watch.ts';

export interface TrainingContext {
  readonly registry: Registry;
  /** File of the pretrained weights, and what they are called. */
  readonly backbone: { readonly file: string; readonly id: string };
  /** Local folder for features; trainings share it. */
  readonly featuresFolder: string;
  /** Local folder for files on their way. */
  readonly scratch: string;
  /** Versions of what takes part, for the manifest. */
  readonly libraries: Readonly<Record<string, string>>;
  readonly createdBy: string;
  readonly checkpointSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly report: Report;
}

export interface TrainingData {
  /** What is learnt from. */
  readonly train: DataSet;
  /** What it is judged on. */
  readonly test: DataSet | null;
  /** Whether the test pictures were held out of the data set, and join the gallery once they have judged. */
  readonly heldOut: boolean;
}

/**
 * Works on a job until it has published one version, however often it was interrupted before.
 * @param resume go on from the job's checkpoint; `best`: publish the best epoch so far instead of training on
 * @throws CancelledError when stopped; a checkpoint is kept
 * @throws ConflictError when another process works on the job
 */
export async function runTraining(
  job: Job,
  data: TrainingData,
  context: TrainingContext,
  resume: 'no' | 'continue' | 'best',
): Promise<TrainingResult> {
  const { store } = context.registry;
  const recipe = recipeNamed(job.request.recipe);
  parseOptions(recipe.options, job.request.options, `the recipe ${recipe.name}`);
  await takeJob(store, job.id);
  const watch = watchJob(store, job.id, context.report, context.signal);
  const scratch = await mkdtemp(join(context.scratch, 'kindred-training-'));
  try {
    const result = await train(
      job,
      data,
      { ...context, scratch, report: watch.report, signal: watch.signal },
      resume,
    );
    const published = { model: result.model, version: result.version };
    await end(context, job, { state: 'succeeded', result: published, error: null });
    return result;
  } catch (error) {
    const state = error instanceof CancelledError ? 'cancelled' : 'failed';
    const code = error instanceof KindredError ? error.code : 'unexpected';
    await end(context, job, { state, result: null, error: { code, message: (error as Error).message } });
    throw error;
  } finally {
    await watch.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function end(
  { registry }: TrainingContext,
  { id }: Job,
  outcome: Pick<Job, 'state' | 'result' | 'error'>,
): Promise<void> {
  await updateJob(registry.store, id, (job) => ({ ...job, ...outcome, owner: null, finishedAt: now() }));
}

async function train(
  job: Job,
  data: TrainingData,
  context: TrainingContext,
  resume: 'no' | 'continue' | 'best',
): Promise<TrainingResult> {
  const started = performance.now();
  const { request } = job;
  const recipe = recipeNamed(request.recipe);
  const options = parseOptions(recipe.options, request.options, `the recipe ${recipe.name}`) as Record<
    string,
    never
  >;
  const place = { store: context.registry.store, prefix: checkpointPrefix(job.id), scratch: context.scratch };
  const checkpoints = new Checkpoints(place, identityOf(request, options, data, context));
  const { learnt, embedder, networkId } = await learn(
    recipe,
    options,
    request,
    data,
    context,
    checkpoints,
    resume,
  );
  try {
    const result = await publishTraining({
      job,
      recipe: { name: recipe.name, options },
      data,
      context,
      embedder,
      learnt,
      network: { model: join(context.scratch, MODEL_FILE), weights: join(context.scratch, WEIGHTS_FILE) },
      embed: (pictures, part) =>
        embedInto(embedder, pictures, context, part, { model: request.model, version: networkId }),
      seconds: () => (performance.now() - started) / 1000,
    });
    await checkpoints.clear();
    return result;
  } finally {
    embedder.dispose();
  }
}

/** What a checkpoint belongs to: going on with other pictures or options would be another training. */
function identityOf(
  { recipe, seed }: TrainingRequest,
  options: Record<string, unknown>,
  { train: pictures, test }: TrainingData,
  { backbone }: TrainingContext,
): string {
  const identity = {
    recipe,
    seed,
    options,
    train: snapshot(pictures).digest,
    test: test && snapshot(test).digest,
    backbone: backbone.id,
  };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

interface Learnt {
  readonly learnt: LearningRecord;
  readonly embedder: Embedder;
  /** SHA-256 of the network's files: what a gallery is bound to. */
  readonly networkId: string;
}

async function learn(
  recipe: Recipe,
  options: Record<string, never>,
  request: TrainingRequest,
  data: TrainingData,
  context: TrainingContext,
  checkpoints: Checkpoints,
  resume: 'no' | 'continue' | 'best',
): Promise<Learnt> {
  const { signal, report, scratch, checkpointSeconds } = context;
  const backbone = new SafetensorsFile(context.backbone.file);
  try {
    const parts = await prepareParts({
      recipe,
      options,
      backbone,
      backboneId: context.backbone.id,
      train: data.train,
      validation: recipe.validates ? data.test : null,
      folder: context.featuresFolder,
      signal,
      report,
    });
    try {
      for (const { picture, reason } of parts.rejected)
        report({ phase: 'note', text: `${picture.key} is left out: ${reason}` });
      const trained = await recipe.train(options, {
        backbone,
        train: parts.train,
        validation: parts.validation,
        seed: request.seed,
        checkpoints,
        resume,
        checkpointSeconds,
        signal,
        report,
      });
      try {
        await saveNetwork(scratch, trained.graph, recipe.preprocessing(options), trained.weights);
        const { curve, epoch, leftOut } = trained;
        return { learnt: { curve, epoch, leftOut }, ...(await readBack(scratch, trained)) };
      } finally {
        trained.dispose();
      }
    } finally {
      parts.dispose();
    }
  } finally {
    backbone.close();
  }
}

async function readBack(
  folder: string,
  trained: TrainedNetwork,
): Promise<Pick<Learnt, 'embedder' | 'networkId'>> {
  trained.dispose();
  const model = await readFile(join(folder, MODEL_FILE));
  const weights = await readFile(join(folder, WEIGHTS_FILE));
  const networkId = createHash('sha256').update(model).update(weights).digest('hex');
  return { embedder: tfjsEmbedder(readNetwork(model, weights)), networkId };
}

/** Pictures as a gallery of this network. */
async function embedInto(
  embedder: Embedder,
  pictures: readonly Picture[],
  { signal, report }: TrainingContext,
  part: string,
  id: NonNullable<Gallery['embedder']>,
): Promise<Gallery> {
  const embedded = await embedPictures(embedder, pictures, {
    signal,
    onProgress: (done, total) => report({ phase: 'embedding', part, done, total }),
  });
  if (embedded.pictures.length === 0)
    throw new InvalidInputError(`None of the ${part} pictures can be decoded.`);
  return createGallery({
    dimensions: embedder.dimensions,
    keys: embedded.pictures.map(({ key }) => key),
    classes: embedded.pictures.map(({ className }) => className),
    sha256: embedded.pictures.map(({ sha256 }) => sha256),
    embeddings: embedded.embeddings,
    embedder: id,
  });
}
