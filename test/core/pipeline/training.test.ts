import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import { CancelledError, CorruptDataError, DivergedError, NotFoundError } from '../../../core/errors.ts';
import { writeGallery } from '../../../core/gallery/arrow.ts';
import { createDecider } from '../../../core/gallery/decision.ts';
import { createGallery } from '../../../core/gallery/gallery.ts';
import { createSearch } from '../../../core/gallery/search.ts';
import { splitDataSet } from '../../../core/images/split.ts';
import { readTraining, readProgress } from '../../../core/jobs/job.ts';
import type { TrainingResult } from '../../../core/jobs/result.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { Random } from '../../../core/random.ts';
import { readBaseline } from '../../../core/registry/baseline.ts';
import { openGallery, openVersion } from '../../../core/registry/open-version.ts';
import { pooledFromPictures } from '../../../core/training/baseline.ts';
import { openBackbone } from '../../support/backbone.ts';
import { assertClose } from '../../support/numbers.ts';
import { draft } from '../registry/support.ts';
import { Place } from '../jobs/support.ts';

const PRODUCTION = { model: 'clothes', alias: 'production' };

describe('a training', () => {
  let place: Place;
  let result: TrainingResult;
  before(async () => {
    place = new Place();
    const job = await place.newJob('metric');
    result = await place.train(job, {}, { test: await place.pictures('test') });
  });
  after(() => place.close());

  it('publishes one whole version and promotes it', async () => {
    const { registry } = place;
    assert.deepEqual(await registry.versions('clothes'), [1]);
    assert.deepEqual(await place.damage(), []);
    const manifest = await registry.manifest('clothes', 1);
    assert.deepEqual(Object.keys(manifest.files).toSorted(), [
      'backbone.weights',
      'baseline.arrow',
      'confusion.svg',
      'data-check.json',
      'embedding.onnx',
      'evaluation.json',
      'gallery.arrow',
      'golden.arrow',
      'report.html',
      'training.json',
    ]);
    assert.deepEqual([manifest.seed, manifest.job, manifest.recipe.name], [1, result.job, 'metric']);
    assert.equal(manifest.recipe.options['size'], 64);
    assert.equal(manifest.recipe.options['margin'], 0.3, 'defaults are told too');
    assert.deepEqual([manifest.dataSet.pictures.length, manifest.testSet?.pictures.length], [12, 6]);
    const alias = await registry.alias(PRODUCTION.model, PRODUCTION.alias);
    assert.deepEqual(
      alias?.history.map(({ version, from, by, why }) => ({ version, from, by, why })),
      [{ version: 1, from: null, by: 'a test', why: `training ${result.job}` }],
    );
  });

  it('ends as a job that succeeded, with its last progress and nothing left behind', async () => {
    const job = await readTraining(place.store, result.job);
    assert.equal(job.state, 'succeeded');
    assert.deepEqual(job.result, { model: 'clothes', version: 1, promoted: true, gate: null });
    assert.deepEqual([job.owner, job.error, job.attempts], [null, null, 1]);
    const told = await readProgress(place.store, job.id);
    assert.deepEqual(told?.progress, { phase: 'publishing' });
    assert.deepEqual(await place.keys(`jobs/${job.id}/`), ['job.json', 'progress.json']);
    assert.deepEqual(readdirSync(place.in('scratch')), []);
  });

  it('gives its metrics and evaluation', async () => {
    const { metrics } = await place.registry.manifest('clothes', 1);
    assert.deepEqual(result.metrics, metrics);
    assert.deepEqual([metrics['pictures'], metrics['classes'], metrics['testImages']], [12, 3, 6]);
    assert.equal(result.evaluation?.images, 6);
    assert.equal(result.evaluation?.accuracy, metrics['accuracy']);
    const bytes = await place.registry.file('clothes', 1, 'training.json');
    const { curve, parameters } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown[]>;
    assert.equal(curve?.length, 2);
    assert.ok(parameters);
  });

  it('is held against the untrained backbone, whose features of the gallery stay with the version', async () => {
    const { metrics } = await place.registry.manifest('clothes', 1);
    const kept = await readBaseline(place.registry, { model: 'clothes', version: 1 });
    const { gallery } = await openGallery(place.registry, { ...PRODUCTION, version: 1 });
    const backbone = openBackbone();
    const { pictures, features } = await pooledFromPictures(
      { backbone: resnet50, pretrained: backbone },
      {
        weightsId: 'backbone',
        preprocessing: { size: 64, fit: 'squash', kernel: 'cubic' },
        pictures: (await place.pictures('train')).pictures,
        folder: place.in('others'),
      },
    );
    backbone.close();

    assert.deepEqual([kept?.keys, kept?.sha256], [gallery.keys, gallery.sha256]);
    assert.deepEqual([kept?.dimensions, kept?.distance], [2048, 'cosine']);
    assert.deepEqual(
      pictures.map(({ key }) => key),
      kept?.keys,
    );
    assertClose(kept?.embeddings ?? [], features, { tolerance: 1e-4, what: 'kept and whole features' });
    const { baseline } = result.evaluation ?? {};
    assert.deepEqual([baseline?.images, baseline?.galleryPictures], [6, 12]);
    assert.equal(baseline?.modelAccuracy, metrics['accuracy']);
    assert.equal(baseline?.accuracy, metrics['baselineAccuracy']);
  });

  it('gives a version that knows every picture it learnt from, at distance 0', async () => {
    const opened = await openVersion(place.registry, { ...PRODUCTION, version: 1 });
    const { pictures } = await place.pictures('train');
    const { embeddings } = await embedPictures(opened.embedder, pictures);
    const { dimensions } = opened.embedder;
    opened.embedder.dispose();
    const decide = createDecider(createSearch(opened.gallery), {
      top: 1,
      point: 'balanced',
      calibration: opened.calibration,
    });
    for (const [i, picture] of pictures.entries()) {
      const answer = decide(embeddings.subarray(i * dimensions, (i + 1) * dimensions));
      assert.equal(answer.class, picture.className);
      assert.ok(answer.distance < 1e-6, `${picture.key} is ${answer.distance} from itself`);
    }
  });

  it('that has succeeded gives its result again, without training', async () => {
    const phases = new Set<string>();
    const job = await readTraining(place.store, result.job);
    const again = await place.train(job, { report: ({ phase }) => phases.add(phase) });
    assert.deepEqual({ ...again, seconds: 0 }, { ...result, seconds: 0 });
    assert.deepEqual([...phases], []);
    assert.deepEqual(await readTraining(place.store, result.job), job);
  });

  it('is repeated to the bit by the same seed, and not by another; unpromoted ones leave the alias', async () => {
    const unpromoted = { promote: false, model: 'others' };
    for (const seed of [1, 2]) {
      const { promoted } = await place.train(await place.newJob('metric', { ...unpromoted, seed }));
      assert.equal(promoted, false);
    }
    const weights = await place.weights(1);
    assert.equal(await place.weights(1, 'others'), weights);
    assert.notEqual(await place.weights(2, 'others'), weights);
    assert.equal(await place.registry.alias('others', 'production'), null);
    assert.equal((await place.registry.alias('clothes', 'production'))?.version, 1);
  });

  it('adds held-out pictures to the gallery once they have judged', async () => {
    const { training, heldOut } = splitDataSet(await place.pictures('train'), 0.25, new Random(1));
    const job = await place.newJob('metric', { model: 'split', holdOut: 0.25, options: { epochs: 0 } });
    const { metrics } = await place.train(job, {}, { train: training, test: heldOut, heldOut: true });
    const { gallery } = await openGallery(place.registry, { model: 'split', version: 1, alias: null });
    assert.deepEqual([metrics['pictures'], metrics['testImages']], [12, 3]);
    assert.equal(new Set(gallery.keys).size, 12);
  });

  it('leaves no tensor and no variable behind, ended well or stopped', async () => {
    const count = (): number[] => [tf.memory().numTensors, liveVariables()];
    const atFirst = count();
    const job = await place.newJob('siamese', { model: 'tidy' });
    const controller = new AbortController();
    const report = ({ phase }: { phase: string }): void => {
      if (phase === 'training') controller.abort();
    };
    await assert.rejects(place.train(job, { report, signal: controller.signal }), CancelledError);
    assert.deepEqual(count(), atFirst);
    await place.train(job);
    assert.deepEqual(count(), atFirst);
  });
});

describe('a version whose gallery was made by another network', () => {
  it('is not opened', async () => {
    const place = new Place();
    try {
      const { registry } = place;
      await place.train(await place.newJob('metric', { options: { epochs: 0 } }));
      const files = await place.files(['embedding.onnx', 'backbone.weights', 'evaluation.json']);
      const { gallery } = await openGallery(registry, { ...PRODUCTION, version: 1 });
      for (const embedder of [null, { model: 'clothes', version: 'another' }]) {
        const foreign = await writeGallery(createGallery({ ...gallery, embedder }));
        const { version } = await registry.publish(
          'clothes',
          draft({ files: { ...files, 'gallery.arrow': foreign } }),
        );
        await assert.rejects(
          openGallery(registry, { ...PRODUCTION, version }),
          (error: unknown) =>
            error instanceof CorruptDataError &&
            error.message.includes(`The gallery of clothes@${version} was made by`),
        );
      }
    } finally {
      place.close();
    }
  });
});

describe('a training that diverges', () => {
  const wild = { learningRate: 1e6 };
  let place: Place;
  before(() => (place = new Place()));
  after(() => place.close());

  it('fails, publishes nothing and leaves the alias; nothing was measured, so no epoch is best', async () => {
    await place.train(await place.newJob('metric', { options: { epochs: 0 } }));
    const job = await place.newJob('siamese', { options: wild });
    await assert.rejects(place.train(job), DivergedError);
    const { state, error, result, owner } = await readTraining(place.store, job.id);
    assert.deepEqual([state, error?.code, result, owner], ['failed', 'diverged', null, null]);
    assert.deepEqual(await place.registry.versions('clothes'), [1]);
    assert.equal((await place.registry.alias('clothes', 'production'))?.history.length, 1);
    await assert.rejects(place.train(job, { resume: 'best' }), NotFoundError);
  });

  it('of the default recipe has the untrained network to fall back on', async () => {
    const job = await place.newJob('metric', { model: 'wild', options: wild });
    await assert.rejects(place.train(job), DivergedError);
    await place.train(job, { resume: 'best' });
    const bytes = await place.registry.file('wild', 1, 'training.json');
    assert.equal((JSON.parse(Buffer.from(bytes).toString()) as { epoch: number }).epoch, 0);
  });

  it('keeps the best epoch that was measured, which can be published then', async () => {
    const job = await place.newJob('siamese', { model: 'best', options: wild });
    const test = await place.pictures('test');
    await assert.rejects(place.train(job, {}, { test }), DivergedError);
    const { version } = await place.train(job, { resume: 'best' }, { test });

    const untrained = await place.newJob('siamese', { model: 'untrained', options: { epochs: 0 } });
    await place.train(untrained, {}, { test });
    assert.equal(version, 1);
    assert.equal(await place.weights(1, 'best'), await place.weights(1, 'untrained'));
    assert.equal((await readTraining(place.store, job.id)).state, 'succeeded');
  });
});
