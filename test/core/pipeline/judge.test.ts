import assert from 'node:assert/strict';
import { it } from 'node:test';
import sharp from 'sharp';
import type { Embedder } from '../../../core/embedding/embedder.ts';
import { openDataSet } from '../../../core/images/open-dataset.ts';
import { judge } from '../../../core/pipeline/judge.ts';
import { memoryStore } from '../../../core/storage/memory.ts';

/** The mean colour of a picture. */
const meanColour: Embedder = {
  dimensions: 3,
  preprocessing: { size: 8, fit: 'squash', kernel: 'cubic' },
  engine: { name: 'mean colour' },
  embed: (pixels) =>
    Promise.resolve(
      Float32Array.from(
        pixels.flatMap(({ data }) =>
          [0, 1, 2].map(
            (channel) => data.filter((_, i) => i % 3 === channel).reduce((a, b) => a + b, 0) / data.length,
          ),
        ),
      ),
    ),
  dispose: () => undefined,
};

const picture = (r: number, g: number, b: number): Promise<Buffer> =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();

it('thresholds rest on what training told of the pictures that are still there, when one has gone missing since', async () => {
  const store = memoryStore();
  for (const [i, name] of ['blue', 'red'].entries()) {
    for (let k = 0; k < 3; k++)
      await store.put(`${name}/${k}.png`, await picture(200 * i, 10 * k, 200 * (1 - i)));
  }
  const train = await openDataSet(store, '');
  const leftOut = train.pictures.map((_, row) => ({
    row,
    own: row + 1,
    others: [10, null] as const,
    stranger: [20 + row, null] as const,
  }));
  await store.delete('blue/1.png');
  const notes: string[] = [];

  const { gallery, calibration } = await judge(
    meanColour,
    'test' as never,
    {
      data: { train, test: null, heldOut: false },
      leftOut,
      curve: [],
      epoch: 0,
      pooled: null,
      dataCheck: null,
    },
    { report: (one) => one.phase === 'note' && notes.push(one.text) },
  );

  assert.deepEqual(gallery.keys, ['blue/0.png', 'blue/2.png', 'red/0.png', 'red/1.png', 'red/2.png']);
  assert.match(notes[0] ?? '', /blue\/1\.png/);
  assert.deepEqual(calibration?.distances, { known: [1, 3, 4, 5, 6], strangers: [20, 22, 23, 24, 25] });
});
