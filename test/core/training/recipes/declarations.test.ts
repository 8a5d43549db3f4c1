import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { checkedOptions, describeOptions, typedOptions } from '../../../../cli/training/options.ts';
import { InvalidInputError } from '../../../../core/errors.ts';
import { losses } from '../../../../core/training/losses/index.ts';
import { miners } from '../../../../core/training/miners/index.ts';
import { defineMiner } from '../../../../core/training/miners/miner.ts';
import { ratio } from '../../../docs/examples/ratio.ts';

/** Takes the first positive and the last negative of every anchor, so many times. */
const repeated = defineMiner({
  name: 'repeated',
  options: z.strictObject({ times: z.int().min(1).default(2) }),
  choose({ classes, labels }, found, { times }) {
    for (const { label, rows } of classes) {
      const [anchor = 0, positive = 0] = rows;
      for (let i = 0; i < times; i++)
        found.push(
          anchor,
          positive,
          labels.findLastIndex((each) => each !== label),
        );
    }
  },
});

// Before the recipes are loaded: as if they stood in the tables.
Object.assign(losses, { ratio });
Object.assign(miners, { repeated });
const { loadRecipe, recipeNamed, recipeOptions, recipes } =
  await import('../../../../core/training/recipes/index.ts');
const { Place } = await import('../../jobs/support.ts');

const LOADED = `
  import { createRequire } from 'node:module';
  await import(process.argv[1]);
  const heavy = /tfjs|onnxruntime/;
  const required = Object.keys(createRequire(import.meta.url).cache).filter((file) => heavy.test(file));
  const native = process.report.getReport().sharedObjects.filter((file) => /tensorflow|onnxruntime/.test(file));
  console.log(JSON.stringify([...required, ...native]));`;

/** Which heavy libraries a process has loaded after it has imported the file. */
async function loadedBy(file: string): Promise<string[]> {
  const url = new URL(`../../../../${file}`, import.meta.url).href;
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', LOADED, url];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as string[];
}

describe('declarations of recipes', () => {
  for (const file of [
    'core/training/recipes/index.ts',
    'core/training/losses/index.ts',
    'core/training/distances/index.ts',
    'functions/app.ts',
  ]) {
    it(`load neither TensorFlow nor ONNX Runtime: ${file}`, async () => {
      assert.deepEqual(await loadedBy(file), []);
    });
  }

  it('would be seen to load them', async () => {
    const loaded = await loadedBy('node_modules/@tensorflow/tfjs-node/dist/index.js');
    assert.ok(loaded.some((file) => file.includes('libtensorflow')));
  });
});

describe('a loss and a miner that are added to their tables', () => {
  const typed = (...pairs: string[]) => typedOptions({ option: pairs });

  it('can be chosen, with options of their own, in every recipe that chooses from the tables', () => {
    for (const name of ['metric', 'fast']) {
      const lines = describeOptions(recipeNamed(name)).split('\n');
      assert.ok(lines.some((line) => /^ {2}loss=.*\bratio\b/.test(line)));
      assert.ok(lines.some((line) => /^ {2}miner=.*\brepeated\b/.test(line)));
      assert.ok(lines.includes('  ratio.scale=1 (above 0)'));
      assert.ok(lines.includes('  repeated.times=2 (from 1)'));
      const options = checkedOptions(
        recipeNamed(name),
        typed('loss=ratio', 'ratio.scale=2', 'miner=repeated'),
      );
      const { loss, ...all } = recipeOptions(name, options);
      assert.deepEqual([loss, all['ratio.scale'], all['repeated.times']], ['ratio', 2, 2]);
    }
  });

  it('have their options checked by their own schemas, and refused where they are not chosen', () => {
    for (const wrong of [
      { loss: 'ratio', 'ratio.scale': 0 },
      { miner: 'repeated', 'repeated.times': 0.5 },
      { loss: 'ratio', 'ratio.scales': 1 },
      { 'ratio.scale': 2 },
      { loss: 'contrastive', 'ratio.scale': 2 },
    ]) {
      assert.throws(
        () => recipeOptions('metric', wrong),
        (error) =>
          error instanceof InvalidInputError && error.message.includes(Object.keys(wrong).at(-1) ?? ''),
        JSON.stringify(wrong),
      );
    }
  });

  it('train', async () => {
    const place = new Place();
    try {
      const options = { loss: 'ratio', 'ratio.scale': 3, miner: 'repeated', 'repeated.times': 1 };
      const { version } = await place.train(await place.newJob('metric', { options }), { check: false });
      const { recipe } = await place.registry.manifest('clothes', version);
      assert.deepEqual(
        Object.entries(recipe.options).filter(([name]) => /\./.test(name)),
        [
          ['ratio.scale', 3],
          ['ratio.reduction', 'mean'],
          ['repeated.times', 1],
        ],
      );
    } finally {
      place.close();
    }
  });
});

describe('options of losses that come with them', () => {
  it('are those of the chosen loss, with its defaults, and the margin of the recipe', () => {
    const options = recipeOptions('metric', { loss: 'multi-similarity', 'multi-similarity.alpha': 3 });
    const own = Object.entries(options).filter(([name]) => name.includes('.'));
    assert.deepEqual(Object.fromEntries(own), {
      'multi-similarity.alpha': 3,
      'multi-similarity.beta': 50,
      'multi-similarity.base': 0.5,
      'multi-similarity.mining': true,
      'multi-similarity.epsilon': 0.1,
      'multi-similarity.reduction': 'mean',
    });
    assert.equal(recipeOptions('metric', {})['margin'], 0.3);
    assert.ok(!('triplet.margin' in recipeOptions('metric', {})));
  });

  it('keep their names when they are typed with hyphens', () => {
    assert.deepEqual(
      typedOptions({ option: ['contrastive.negative-margin=2', 'multi-similarity.alpha=1'] }),
      {
        'contrastive.negativeMargin': 2,
        'multi-similarity.alpha': 1,
      },
    );
  });
});

describe('a recipe that is added to the table', () => {
  it('is found, takes its options and is loaded by its name', async () => {
    const { projection } = await import('../../../docs/examples/projection.ts');
    Object.assign(recipes, { projection });
    assert.equal(recipeOptions('projection', { epochs: 1 })['epochs'], 1);
    assert.match(describeOptions(recipeNamed('projection')), /^ {2}dimensions=128 \(from 2 to 2048\)/m);
    assert.equal((await loadRecipe('projection')).validates, false);
  });
});
