import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import type { LocalBackbone } from '../../../core/network/backbones/backbone.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { openVersion } from '../../../core/registry/open-version.ts';
import { readBaseline } from '../../../core/registry/baseline.ts';
import { WEIGHTS } from '../../../scripts/setup/weights.mjs';
import { tinyBackbone } from '../../support/tiny-backbone.ts';
import { Place } from '../jobs/support.ts';

it('the ResNet50 that the set-up fetches is the one that the backbone names', () => {
  assert.deepEqual(resnet50.weights, { source: `npm:${WEIGHTS.package}`, license: WEIGHTS.license });
});

describe('a second backbone', () => {
  let place: Place;
  let backbone: LocalBackbone;
  before(async () => {
    place = new Place();
    backbone = await tinyBackbone(place.folder);
  });
  after(() => place.close());

  for (const recipe of ['metric', 'siamese']) {
    it(`is enough to train and publish a version that answers: ${recipe}`, async () => {
      const data = { test: await place.pictures('test') };
      const job = await place.newJob(recipe, { model: recipe });

      await place.train(job, { backbone }, data);

      const resolved = { model: recipe, version: 1, alias: null };
      const { embedder, gallery } = await openVersion(place.registry, resolved);
      assert.equal(gallery.dimensions, embedder.dimensions);
      embedder.dispose();
      const baseline = await readBaseline(place.registry, resolved);
      assert.deepEqual([baseline?.dimensions, baseline?.embedder?.version], [16, 'tiny']);
    });
  }

  it('is asked for its own maps only', async () => {
    const job = await place.newJob('metric', { model: 'maps', options: { maps: ['conv4_block6'] } });

    await assert.rejects(place.train(job, { backbone }), (error: unknown) => {
      return error instanceof InvalidInputError && /tiny.*"conv4_block6".*fine, coarse/.test(error.message);
    });
  });
});
