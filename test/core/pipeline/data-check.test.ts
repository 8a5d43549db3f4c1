import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { CancelledError } from '../../../core/errors.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { checkDataSets } from '../../../core/pipeline/data-check.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { liveVariables } from '../../../core/network/variables.ts';
import { dataCheckSchema } from '../../../core/training/data-check/index.ts';
import type { TrainingProgress } from '../../../core/training/progress.ts';
import { loadRecipe, recipeOptions } from '../../../core/training/recipes/index.ts';
import { backbonePath } from '../../support/backbone.ts';
import { OPTIONS, Place } from '../jobs/support.ts';

/** What a training says, and how often it computed a feature. */
class Listener {
  readonly notes: string[] = [];
  features = 0;
  readonly #more: (told: TrainingProgress) => void;

  constructor(more: (told: TrainingProgress) => void = () => undefined) {
    this.#more = more;
  }

  readonly report = (told: TrainingProgress): void => {
    if (told.phase === 'note') this.notes.push(told.text);
    if (told.phase === 'features') this.features++;
    this.#more(told);
  };

  said(pattern: RegExp): number {
    return this.notes.filter((note) => pattern.test(note)).length;
  }
}

const LOOKED = /^Checked 12 images in 3 classes/;

describe('the look at the data before a training', () => {
  let place: Place;
  before(() => (place = new Place()));
  after(() => place.close());

  it('is told before the training, goes on in spite of faults, and is kept with the version', async () => {
    const [name = ''] = readdirSync(place.in('train/hat'));
    const test = await place.pictures('test');
    const leaked = {
      ...test,
      pictures: (await place.pictures('train')).pictures.filter(({ key }) => key === `hat/${name}`),
    };
    const order: string[] = [];
    const listener = new Listener(({ phase }) => order.push(phase));

    const job = await place.newJob('metric', { model: 'leaky' });
    await place.train(job, { report: listener.report }, { test: leaked });

    assert.equal(listener.said(LOOKED), 1);
    assert.ok(order.indexOf('note') < order.indexOf('training'));
    const bytes = await place.registry.file('leaky', 1, 'data-check.json');
    const { results } = dataCheckSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
    const leaks = results.find(({ check }) => check === 'split-leaks');
    assert.deepEqual(
      leaks?.findings.map(({ pictures }) => pictures.map(({ part, key }) => [part, key])),
      [
        [
          ['test', `hat/${name}`],
          ['training', `hat/${name}`],
        ],
      ],
    );
  });

  it('is not repeated when the training goes on', async () => {
    const job = await place.newJob('metric', { model: 'stopped' });
    const controller = new AbortController();
    const first = new Listener(({ phase }) => {
      if (phase === 'training') controller.abort();
    });
    await assert.rejects(
      place.train(job, { report: first.report, signal: controller.signal }),
      CancelledError,
    );
    const second = new Listener();
    await place.train(job, { report: second.report });

    assert.deepEqual([first.said(LOOKED), second.said(LOOKED)], [1, 0]);
    const manifest = await place.registry.manifest('stopped', 1);
    assert.ok('data-check.json' in manifest.files);
    assert.deepEqual(await place.keys(`jobs/${job.id}/checkpoint/`), []);
  });

  it('is left out where nobody wants it', async () => {
    const listener = new Listener();
    const job = await place.newJob('metric', { model: 'unchecked', options: { epochs: 0 } });
    await place.train(job, { report: listener.report, check: false });
    assert.equal(listener.said(LOOKED), 0);
    const { files } = await place.registry.manifest('unchecked', 1);
    assert.ok(!('data-check.json' in files));
  });
});

describe('the look at data sets alone', () => {
  for (const name of ['metric', 'siamese']) {
    it(`leaves its features for the training, and no tensor behind: ${name}`, async () => {
      const place = new Place();
      try {
        const recipe = await loadRecipe(name);
        const options = recipeOptions(name, { ...OPTIONS[name], epochs: 0 });
        const data = {
          train: await place.pictures('train'),
          test: await place.pictures('test'),
          heldOut: false,
        };
        const looking = new Listener();
        const context = {
          backbone: { ...resnet50, file: backbonePath() },
          featuresFolder: place.in('features'),
          report: looking.report,
        };
        const atFirst = [tf.memory().numTensors, liveVariables()];

        const check = await checkDataSets({ recipe, options, data, context });

        assert.deepEqual([tf.memory().numTensors, liveVariables()], atFirst);
        assert.deepEqual([check.pictures, check.testPictures], [12, 6]);
        assert.ok(looking.features >= 18);
        const again = await checkDataSets({ recipe, options, data, context });
        assert.deepEqual(again, check);

        // Of siamese it takes long, and proves no more.
        if (name !== 'metric') return;
        const training = new Listener();
        const job = await place.newJob(name, { options: { epochs: 0 } });
        await place.train(job, { report: training.report }, { test: data.test });
        assert.equal(training.features, 0);
      } finally {
        place.close();
      }
    });
  }
});
