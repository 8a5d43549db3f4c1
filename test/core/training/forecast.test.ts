import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnreadableImageError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { Network } from '../../../core/network/network.ts';
import { ParameterStore, fresh } from '../../../core/network/parameters.ts';
import { tf } from '../../../core/network/tensorflow.ts';
import { Random } from '../../../core/random.ts';
import { forecast, forecastLine, measureRates } from '../../../core/training/forecast.ts';
import { recipes } from '../../../core/training/recipes/index.ts';
import { distinctAmong } from '../../../core/training/workload.ts';
import { encoded } from './data-check/pictures.ts';

const RATES = { decodeSeconds: 0.01, multiplications: 1e9, pictures: 8 };

describe('a forecast', () => {
  it('adds up decoding and computing at the rates that were measured', () => {
    const told = forecast(
      [
        { what: 'features', decoded: 100, multiplications: 4e9, atMost: false },
        { what: 'training', decoded: 0, multiplications: 1.2e11, atMost: true },
      ],
      RATES,
    );
    assert.deepEqual(
      told.parts.map(({ seconds }) => seconds),
      [5, 120],
    );
    assert.equal(told.seconds, 125);
  });

  it('is a sentence that says what may end earlier, what it rests on and what is missing', () => {
    const work = [{ what: 'training', decoded: 0, multiplications: 1.2e11, atMost: true }];
    const line = forecastLine(forecast(work, RATES, 'the rest'));
    assert.equal(
      line,
      'The training will take up to about 2 min: training at most 2 min (told from 8 of the pictures, decoded and computed on this machine just now; not in it: the rest)',
    );
  });
});

describe('the rates of a machine', () => {
  const graph = {
    inputSize: 8,
    nodes: [
      { op: 'flatten', name: 'flat', inputs: ['pixels'] },
      { op: 'dense', name: 'out', inputs: ['flat'], units: 4 },
    ] as const,
    output: 'out',
    trainableAfter: null,
  };
  const measure = async (pictures: Picture[]) => {
    const network = new Network(graph, new ParameterStore(graph, fresh(new Random(1))));
    const before = tf.memory().numTensors;
    const rates = await measureRates({
      network,
      nodes: ['out'],
      preprocessing: { size: 8, fit: 'squash', kernel: 'linear' },
      pictures,
    });
    network.dispose();
    assert.ok(tf.memory().numTensors <= before);
    return rates;
  };
  const picture = (read: Picture['read']): Picture => ({ key: 'a/b', className: 'a', sha256: '', read });

  it('are measured on a few pictures, up to eight', async () => {
    const bytes = await encoded(1);
    const rates = await measure(Array.from({ length: 60 }, () => picture(async () => bytes)));
    assert.equal(rates?.pictures, 8);
    assert.ok(rates.decodeSeconds > 0 && Number.isFinite(rates.multiplications));
  });

  it('are none when no picture can be decoded', async () => {
    const broken = picture(() => Promise.reject(new UnreadableImageError('broken')));
    assert.equal(await measure([broken, broken]), null);
  });
});

describe('the workload that a recipe foretells', () => {
  const sizes = [12, 12, 12];
  for (const [name, recipe] of Object.entries(recipes)) {
    const workload = (options: object, classes = sizes) =>
      recipe.workload?.(recipe.options.parse(options), classes) ?? { training: NaN, embedding: NaN };

    it(`grows with epochs, and pictures are embedded for no less than the backbone takes: ${name}`, () => {
      const [none, two, four] = [0, 2, 4].map((epochs) => workload({ epochs }).training) as [
        number,
        number,
        number,
      ];
      assert.ok(none < two);
      assert.ok(Math.abs(four - two - (two - none)) <= 0.5 * (two - none), 'about in proportion');
      assert.ok(workload({}).embedding > 3e9);
    });
  }

  it('counts what choosing how to decide takes: with the square of few pictures, in proportion to many', () => {
    const { metric, siamese } = recipes;
    const choosing = (pictures: number, options = {}): number =>
      metric?.workload?.(metric.options.parse(options), [pictures / 2, pictures / 2])?.choosing ?? NaN;
    assert.ok(choosing(200) > 3 * choosing(100) && choosing(200) < 4 * choosing(100));
    assert.ok(Math.abs(choosing(40_000) / choosing(20_000) - 2) < 0.2);
    assert.ok(choosing(100, { shrinkages: [0.2] }) < choosing(100) / 2);
    assert.equal(siamese?.workload?.(siamese.options.parse({}), [5, 5])?.choosing, undefined);
  });

  it('has no tuning where no class can spare a picture to choose on', () => {
    const metric = recipes['metric'];
    const options = metric?.options.parse({});
    const [thin, tuned] = [2, 3].map((size) => metric?.workload?.(options, [size, size])?.training ?? 0);
    assert.ok((thin as number) * 10 < (tuned as number));
  });

  it('counts a picture that is drawn twice once', () => {
    const random = new Random(3);
    const trials = Array.from({ length: 2000 }, () => {
      return new Set(Array.from({ length: 15 }, () => random.below(20))).size;
    });
    const mean = trials.reduce((a, b) => a + b, 0) / trials.length;
    assert.ok(Math.abs(distinctAmong(20, 15) - mean) < 0.15, `${distinctAmong(20, 15)} for ${mean}`);
  });
});
