import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import type { Embedder } from '../../../core/embedding/embedder.ts';
import { checkGolden } from '../../../core/embedding/golden.ts';
import type { Golden } from '../../../core/embedding/golden.ts';
import { tfjsEmbedder } from '../../../core/embedding/tfjs.ts';
import { CorruptDataError, NotFoundError, SkewError } from '../../../core/errors.ts';
import { readGolden, writeGolden } from '../../../core/gallery/arrow-golden.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { encodePng } from '../../../core/images/png.ts';
import type { Pixels } from '../../../core/images/pixels.ts';
import { testCard } from '../../../core/images/test-card.ts';
import { goldenOf } from '../../../core/pipeline/golden.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { openBackbone } from '../../support/backbone.ts';

const SIZE = 64;
const preprocessing = { size: SIZE, fit: 'squash', kernel: 'cubic' } as const;

/** A picture of clouds. */
async function photo(width: number, height: number, name: string): Promise<Picture> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const bytes = await sharp({ create: { width, height, channels: 3, background: 'grey', noise } })
    .blur(4)
    .jpeg()
    .toBuffer();
  return {
    key: `a/${name}`,
    className: 'a',
    sha256: '',
    read: () => Promise.resolve(new Uint8Array(bytes)),
  };
}

/** The same network behind something that happens to the pixels first, or that says another preprocessing. */
function behind(
  embedder: Embedder,
  change: (data: Uint8Array) => Uint8Array,
  said: Embedder['preprocessing'] = preprocessing,
): Embedder {
  const changed = (pixels: Pixels): Pixels => ({ ...pixels, data: change(pixels.data) });
  return {
    ...embedder,
    preprocessing: said,
    embed: (pixels) => embedder.embed(pixels.map(changed)),
  };
}

const same = (data: Uint8Array): Uint8Array => data;

describe('golden pictures', () => {
  const backbone = openBackbone();
  let embedder: Embedder;
  let golden: Golden;
  before(async () => {
    embedder = tfjsEmbedder({
      graph: {
        inputSize: SIZE,
        nodes: [
          ...resnet50.nodes(),
          { op: 'global-average-pool', name: 'pooled', inputs: ['conv5_block3_out'] },
          { op: 'l2-normalize', name: 'unit', inputs: ['pooled'] },
        ],
        output: 'unit',
        trainableAfter: null,
      },
      preprocessing,
      weights: backbone,
    });
    golden = await goldenOf(embedder, [
      await photo(300, 300, 'square.jpg'),
      await photo(800, 500, 'wide.jpg'),
      await photo(300, 420, 'tall.jpg'),
      await photo(310, 300, 'nearly square.jpg'),
    ]);
  });
  after(() => {
    embedder.dispose();
    backbone.close();
  });

  it('are a test card, the widest and the tallest picture, reduced but larger than the input, in their proportion', async () => {
    const sides = await Promise.all(
      golden.pictures.map(async ({ name, png }) => {
        const { format, width, height } = await sharp(png).metadata();
        return [name, format, width, height];
      }),
    );

    assert.deepEqual(sides, [
      ['test card', 'png', 134, 90],
      ['a/tall.jpg', 'png', 93, 131],
      ['a/wide.jpg', 'png', 140, 87],
    ]);
  });

  it('leave out what cannot be read: then the test card is enough', async () => {
    const gone: Picture = {
      key: 'a/gone.jpg',
      className: 'a',
      sha256: '',
      read: () => Promise.reject(new NotFoundError('gone')),
    };
    const damaged: Picture = { ...gone, read: () => Promise.resolve(new Uint8Array([1, 2, 3])) };

    const { pictures } = await goldenOf(embedder, [gone, damaged]);

    assert.deepEqual(
      pictures.map(({ name }) => name),
      ['test card'],
    );
  });

  it('are reproduced by the loader that decodes and computes as they were made', async () => {
    await checkGolden(embedder, golden, 'm@1');
  });

  const skewed: Record<string, (right: Embedder) => Embedder> = {
    'resizes linearly': (right) => behind(right, same, { ...preprocessing, kernel: 'linear' }),
    'resizes by Lanczos': (right) => behind(right, same, { ...preprocessing, kernel: 'lanczos3' }),
    'takes BGR for RGB': (right) =>
      behind(right, (data) => data.map((_, i) => data[i - (i % 3) + 2 - (i % 3)] as number)),
    'scales pixels to 0..1': (right) => behind(right, (data) => data.map((value) => Math.round(value / 255))),
    'turns pictures upside down': (right) =>
      behind(right, (data) => {
        const row = SIZE * 3;
        return data.map((_, i) => data[(SIZE - 1 - Math.floor(i / row)) * row + (i % row)] as number);
      }),
    'gives embeddings twice as long': (right) => ({
      ...right,
      embed: async (pixels) => (await right.embed(pixels)).map((value) => 2 * value),
    }),
    'gives what is no number': (right) => ({
      ...right,
      embed: async (pixels) => (await right.embed(pixels)).fill(Number.NaN),
    }),
  };
  for (const [name, skew] of Object.entries(skewed)) {
    it(`refuse a loader that ${name}, naming version, engine, picture and how far off it is`, async () => {
      await assert.rejects(checkGolden(skew(embedder), golden, 'm@1'), (error: unknown) => {
        assert.ok(error instanceof SkewError);
        assert.match(
          error.message,
          /^m@1 does not answer here: its golden picture "test card" .* tensorflow /,
        );
        assert.match(error.message, /cosine (is )?[-\d.NaN]+|times as long/);
        assert.match(error.message, /npm run setup.*train the version again/);
        return true;
      });
    });
  }

  it('refuse a network of another width', async () => {
    await assert.rejects(checkGolden({ ...embedder, dimensions: 6 }, golden, 'm@1'), CorruptDataError);
  });

  it('are the same after they were written to a file and read', async () => {
    assert.deepEqual(readGolden(await writeGolden(golden), 'golden.arrow'), golden);
  });

  it('are refused, by the name of their file, when it is cut at any place, empty or of another kind', async () => {
    const bytes = await writeGolden({ ...golden, pictures: golden.pictures.slice(0, 1) });
    const none = await writeGolden({ ...golden, pictures: [] });
    const isNamed = { name: 'CorruptDataError', message: /^golden\.arrow / };
    for (let length = 0; length < bytes.length; length += 97) {
      assert.throws(() => readGolden(bytes.slice(0, length), 'golden.arrow'), isNamed, `cut at ${length}`);
    }
    assert.throws(() => readGolden(none, 'golden.arrow'), isNamed);
  });
});

describe('the test card', () => {
  it('has every colour and is see-through in part, and larger than the input', async () => {
    const card = testCard(100);
    const { channels } = await sharp(await encodePng(card)).stats();

    assert.deepEqual([card.width, card.height], [210, 140]);
    for (const { min, max } of channels.slice(0, 3)) assert.deepEqual([min, max], [0, 255]);
    assert.equal(channels[3]?.min, 128);
  });
});
