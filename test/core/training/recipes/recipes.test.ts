import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import type { Embedder } from '../../../../core/embedding/embedder.ts';
import { embedPictures } from '../../../../core/embedding/embed-pictures.ts';
import { tfjsEmbedder } from '../../../../core/embedding/tfjs.ts';
import { InvalidInputError } from '../../../../core/errors.ts';
import type { Picture } from '../../../../core/images/dataset.ts';
import { openDataSet } from '../../../../core/images/open-dataset.ts';
import { resnet50 } from '../../../../core/network/backbones/resnet50.ts';
import { Network } from '../../../../core/network/network.ts';
import { ParameterStore, fromFile } from '../../../../core/network/parameters.ts';
import { openNetwork, saveNetwork } from '../../../../core/network/saved-network.ts';
import { tf } from '../../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../../core/network/variables.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { memoryStore } from '../../../../core/storage/memory.ts';
import { Checkpoints } from '../../../../core/training/checkpoint.ts';
import type { EpochRecord } from '../../../../core/training/checkpoint.ts';
import { frozenFeatures } from '../../../../core/training/features.ts';
import { parseOptions } from '../../../../core/training/options.ts';
import type { TrainingProgress } from '../../../../core/training/progress.ts';
import type { Part } from '../../../../core/training/recipe.ts';
import { loadRecipe, recipeNamed, recipeOptions, recipes } from '../../../../core/training/recipes/index.ts';
import { openBackbone } from '../../../support/backbone.ts';

const samples = fileURLToPath(new URL('../../../../samples/clothing10/train', import.meta.url));
const backbone = openBackbone();
const root = mkdtempSync(path.join(os.tmpdir(), 'kindred-recipes-'));
after(() => {
  backbone.close();
  rmSync(root, { recursive: true, force: true });
});

/** So many pictures of three kinds of garment, from one on. */
async function garments(counts: Readonly<Record<string, number>>, from = 0): Promise<Picture[]> {
  const { pictures } = await everything();
  return Object.entries(counts).flatMap(([name, count]) =>
    pictures.filter(({ className }) => className === name).slice(from, from + count),
  );
}
let scanned: ReturnType<typeof openDataSet> | undefined;
const everything = () => (scanned ??= openDataSet(fsStore(samples), '', { verify: 'header' }));

interface Trained {
  readonly curve: readonly EpochRecord[];
  readonly epoch: number;
  readonly embedder: Embedder;
  readonly told: readonly TrainingProgress[];
}

/** From pictures to an embedder, as a job does it: features, recipe, network saved and opened again. */
async function train(
  name: string,
  given: Record<string, unknown>,
  pictures: readonly Picture[],
  validation: readonly Picture[] = [],
): Promise<Trained> {
  const recipe = await loadRecipe(name);
  const options = recipeOptions(name, { size: 64, ...given });
  const { graph, nodes } = recipe.frozen(options, resnet50);
  const preprocessing = recipe.preprocessing(options);
  const network = new Network(graph, new ParameterStore(graph, fromFile(backbone)));
  const classes = [...new Set(pictures.map(({ className }) => className))];
  const features = await Promise.all(
    [pictures, validation].map(async (each) =>
      frozenFeatures({
        network,
        weightsId: 'imagenet',
        preprocessing,
        nodes,
        pictures: each,
        folder: path.join(root, 'features'),
      }),
    ),
  );
  const parts = features.map(({ tensors, pictures: each }): Part => ({
    features: tensors,
    labels: Int32Array.from(each, ({ className }) => classes.indexOf(className)),
  }));
  const told: TrainingProgress[] = [];
  const checkpoints = new Checkpoints({ store: memoryStore(), prefix: '', scratch: root }, name);
  const trained = await recipe.train(options, {
    backbone: resnet50,
    pretrained: backbone,
    train: parts[0] as Part,
    validation: validation.length > 0 ? (parts[1] as Part) : null,
    seed: 1,
    scratch: root,
    checkpoints,
    resume: 'no',
    checkpointSeconds: 1e9,
    report: (progress) => told.push(progress),
  });
  const file = path.join(mkdtempSync(path.join(root, 'network-')), 'network.safetensors');
  await saveNetwork(file, { graph: trained.graph, preprocessing }, trained.weights);
  trained.dispose();
  for (const each of features) each.dispose();
  network.dispose();
  return { curve: trained.curve, epoch: trained.epoch, embedder: tfjsEmbedder(openNetwork(file)), told };
}

/** For each picture, asked for by itself, which of them all is nearest, and its squared distance. */
async function nearestOf(
  embedder: Embedder,
  pictures: readonly Picture[],
): Promise<{ index: number; distance: number; scale: number }[]> {
  const d = embedder.dimensions;
  const { embeddings } = await embedPictures(embedder, pictures);
  const rows = pictures.map((_, i) => embeddings.subarray(i * d, (i + 1) * d));
  const found = [];
  for (const picture of pictures) {
    const { embeddings: asked } = await embedPictures(embedder, [picture]);
    const distances = rows.map((row) => row.reduce((sum, x, k) => sum + (x - (asked[k] as number)) ** 2, 0));
    const distance = Math.min(...distances);
    found.push({ index: distances.indexOf(distance), distance, scale: Math.max(...distances) });
  }
  return found;
}

async function assertKnowsItsOwn(embedder: Embedder, pictures: readonly Picture[]): Promise<void> {
  for (const [i, { index, distance, scale }] of (await nearestOf(embedder, pictures)).entries()) {
    assert.equal(index, i);
    assert.ok(distance <= 1e-8 * scale, `its own distance is ${distance}, the largest ${scale}`);
  }
}

const few = { dress: 4, hat: 4, shoes: 4 };

describe('the recipe siamese', () => {
  let pictures: Picture[];
  let trained: Trained;
  let counts: [number, number];
  before(async () => {
    counts = [tf.memory().numTensors, liveVariables()];
    pictures = await garments(few);
    trained = await train(
      'siamese',
      { epochs: 2, batchSize: 6 },
      pictures,
      await garments({ dress: 2, hat: 2, shoes: 2 }, 4),
    );
  });

  it('tells a training picture by itself, at distance 0', async () => {
    await assertKnowsItsOwn(trained.embedder, pictures);
    assert.equal(trained.embedder.dimensions, 256);
    assert.deepEqual(trained.embedder.preprocessing, { size: 64, fit: 'squash', kernel: 'linear' });
  });

  it('reports loss and validation loss of every epoch', () => {
    assert.deepEqual(
      trained.curve.map(({ epoch }) => epoch),
      [1, 2],
    );
    for (const { loss, validationLoss, active } of trained.curve) {
      assert.ok(Number.isFinite(loss) && loss >= 0);
      assert.ok(validationLoss !== null && Number.isFinite(validationLoss));
      assert.ok(active >= 0 && active <= 1);
    }
    assert.ok((trained.curve[1]?.loss ?? NaN) < (trained.curve[0]?.loss ?? NaN), 'it learns');
    assert.equal(trained.epoch, 2);
  });

  it('chooses a negative for every pair of a class, once, before it trains', () => {
    const mining = trained.told.filter(({ phase }) => phase === 'mining');
    assert.deepEqual(
      mining.map((each) => (each.phase === 'mining' ? each.triplets : 0)),
      [3 * 6],
    );
    assert.equal(trained.told.find(({ phase }) => phase !== 'features')?.phase, 'mining');
  });

  it('leaves nothing behind', () => {
    trained.embedder.dispose();
    assert.deepEqual([tf.memory().numTensors, liveVariables()], counts);
  });

  it('trains without a test set and with classes of one picture, which are never anchors', async () => {
    const mixed = await garments({ dress: 2, hat: 1, shoes: 1 });
    const result = await train('siamese', {}, mixed);
    assert.deepEqual(
      result.curve.map(({ validationLoss }) => validationLoss),
      [null],
    );
    assert.deepEqual(
      result.told.find(({ phase }) => phase === 'mining'),
      { phase: 'mining', triplets: 1, seconds: (result.told[0] as { seconds: number }).seconds },
    );
    result.embedder.dispose();
  });
});

describe('the recipe metric', () => {
  const quick = { epochs: 2, stepsPerEpoch: 2, dimensions: 32 };

  it('tells a training picture by itself, at distance 0, and leaves nothing behind', async () => {
    const counts = [tf.memory().numTensors, liveVariables()];
    const pictures = await garments(few);
    const { embedder, curve, epoch, told } = await train('metric', quick, pictures);
    await assertKnowsItsOwn(embedder, pictures);
    const taken = told.flatMap((each) => (each.phase === 'note' ? [each.text] : [])).at(-1) ?? '';
    assert.match(
      taken,
      epoch > 0 ? new RegExp(`^Epoch ${epoch} is taken`) : /^The pretrained network is kept/,
    );
    assert.equal(embedder.dimensions, 32);
    assert.deepEqual(embedder.preprocessing, { size: 64, fit: 'squash', kernel: 'cubic' });
    assert.ok(curve.length >= 1 && curve.every(({ validationAccuracy }) => validationAccuracy !== null));
    assert.ok(epoch >= 0 && epoch <= curve.length);
    embedder.dispose();
    assert.deepEqual([tf.memory().numTensors, liveVariables()], counts);
  });

  for (const [what, counts] of Object.entries({
    'of two pictures': { dress: 2, hat: 2, shoes: 2 },
    'of one picture': { dress: 1, hat: 1, shoes: 1 },
    'of many, of two and of one picture': { dress: 5, hat: 2, shoes: 1 },
  })) {
    it(`works with classes ${what}`, async () => {
      const pictures = await garments(counts);
      const { embedder } = await train('metric', quick, pictures);
      await assertKnowsItsOwn(embedder, pictures);
      embedder.dispose();
    });
  }

  it('that collapses under far too large steps is caught, and answers all the same', async () => {
    const pictures = await garments(few);
    const hasty = { ...quick, epochs: 1, stepsPerEpoch: 12, scales: [1], learningRate: 0.1, select: 0.25 };
    const { embedder, told, epoch, curve } = await train('metric', hasty, pictures);
    const notes = told.flatMap((each) => (each.phase === 'note' ? [each.text] : []));

    assert.match(
      notes[0] ?? '',
      /^The training has collapsed: in epoch 1, all pictures lie nearly in one point/,
    );
    assert.match(notes[0] ?? '', /begins again with semi-hard triplets and a tenth of the learning rate\.$/);
    assert.ok(epoch <= curve.length);
    await assertKnowsItsOwn(embedder, pictures);
    embedder.dispose();
  });

  it('is the same for the same seed', async () => {
    const pictures = await garments({ dress: 3, hat: 3 });
    const made = [await train('metric', quick, pictures), await train('metric', quick, pictures)];
    const [a, b] = await Promise.all(
      made.map(async ({ embedder }) => (await embedPictures(embedder, pictures)).embeddings),
    );
    assert.deepEqual(a, b);
    for (const { embedder } of made) embedder.dispose();
  });
});

describe('the options of a recipe', () => {
  for (const [name, recipe] of Object.entries(recipes)) {
    it(`have defaults and refuse what is unknown, naming what is allowed: ${name}`, () => {
      const options = parseOptions(recipe.options, {}, name) as Record<string, unknown>;
      assert.ok(Object.keys(options).length > 3);
      assert.throws(
        () => parseOptions(recipe.options, { learningrate: 1 }, `the recipe ${name}`),
        (error: unknown) =>
          error instanceof InvalidInputError &&
          /"learningrate"/.test(error.message) &&
          Object.keys(options).every((key) => error.message.includes(key)),
      );
    });

    it(`are refused out of range: ${name}`, () => {
      for (const wrong of [
        { size: 0 },
        { size: 64.5 },
        { epochs: -1 },
        { learningRate: 0 },
        { margin: -1 },
        { miner: 'magic' },
        { size: '64' },
      ])
        assert.throws(
          () => parseOptions(recipe.options, wrong, name),
          InvalidInputError,
          JSON.stringify(wrong),
        );
    });
  }

  it('of the siamese recipe are those of the original program', () => {
    assert.deepEqual(recipes['siamese']?.options.parse({}), {
      size: 200,
      miner: 'close-distance',
      margin: 0.5,
      batchSize: 32,
      epochs: 1,
      learningRate: 1e-6,
    });
  });

  it('of the metric recipe take sizes in any order, the whole one among them', async () => {
    const recipe = await loadRecipe('metric');
    const sides = (scales: number[]): number =>
      recipe.frozen(recipeOptions('metric', { size: 100, scales }), resnet50).graph.inputSize;
    assert.equal(sides([1, 0.5]), 100);
    assert.equal(sides([0.5, 1]), 100);
    assert.throws(() => sides([0.5]), InvalidInputError);
  });

  it('are not asked for when there is no such recipe, and the names are listed', () => {
    assert.throws(
      () => recipeNamed('magic'),
      (error: unknown) => error instanceof InvalidInputError && /metric, fast, siamese/.test(error.message),
    );
  });
});
