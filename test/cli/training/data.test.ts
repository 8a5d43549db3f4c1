import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import type { DataSet } from '../../../core/images/dataset.ts';
import type { TrainingRequest } from '../../../core/pipeline/request.ts';
import { contextOf } from '../../../cli/context.ts';
import { openTrainingData } from '../../../cli/training/data.ts';
import { Workplace } from '../support.ts';

describe('pictures that are held out', () => {
  let place: Workplace;
  let request: TrainingRequest;
  before(async () => {
    place = new Workplace();
    const dataSet = place.dataSet('photos', { classes: ['hat', 'shoes'], count: 5 });
    for (const className of readdirSync(dataSet)) {
      for (const name of readdirSync(path.join(dataSet, className))) {
        const file = path.join(dataSet, className, name);
        await sharp(file)
          .resize(200)
          .toFile(file.replace(/\.\w+$/, '-again.png'));
      }
    }
    const options = { model: 'photos', recipe: 'metric', options: {}, promote: false };
    request = { dataSet, testSet: null, holdOut: 0.4, seed: 0, ...options };
  });
  after(() => place.close());

  it('take their copies along, so that none of them is learnt from', async () => {
    const context = contextOf({ json: true, registry: place.in('registry') });
    const pictured = ({ pictures }: DataSet): string[] =>
      pictures.map(({ key }) => key.replace(/(-again)?\.\w+$/, ''));
    for (const seed of [0, 1, 2]) {
      const { train, test, same, heldOut } = await openTrainingData(context, { ...request, seed });
      assert.ok(test !== null && heldOut);
      const learnt = pictured(train);
      assert.deepEqual([learnt.length, test.pictures.length, same?.length], [12, 8, 10]);
      assert.deepEqual(
        pictured(test).filter((name) => learnt.includes(name)),
        [],
      );
    }
  });
});
