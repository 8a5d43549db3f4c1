import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { FAST, Workplace } from './support.ts';

interface Check {
  readonly dataset: string;
  readonly pictures: number;
  readonly testPictures: number | null;
  readonly results: readonly {
    readonly check: string;
    readonly count: number;
    readonly findings: readonly { readonly pictures: readonly { readonly key: string }[] }[];
  }[];
}

describe('kindred datasets check', () => {
  let place: Workplace;
  const options = FAST.slice(0, 4);
  const check = ['datasets', 'check', 'photos', ...options];
  before(() => {
    place = new Workplace();
    place.dataSet('photos', { count: 6 });
    place.dataSet('more', { part: 'test', count: 2 });
  });
  after(() => place.close());

  it('ends with 0 where nothing is wrong, and tells what it looked for', async () => {
    const { status, stdout, stderr } = await place.run([...check, '--test', 'more']);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^18 images in 3 classes, 6 test images$/m);
    assert.match(stdout, /^Likely wrong labels +\d+/m);
  });

  it('ends with 1 where something has to be repaired, and with --strict for advice too', async () => {
    const [hat = ''] = readdirSync(place.in('photos', 'hat')).toSorted();
    await sharp(place.in('photos', 'hat', hat))
      .resize(150)
      .toFile(place.in('photos', 'hat', 'small.png'));
    const advice = await place.run([...check, '--hold-out', '0']);
    const strict = await place.run([...check, '--hold-out', '0', '--strict']);
    copyFileSync(place.in('photos', 'hat', hat), place.in('more', 'hat', 'leak.jpg'));
    const leak = await place.run([...check, '--test', 'more']);

    assert.deepEqual([advice.status, strict.status, leak.status], [0, 1, 1], advice.stderr);
    assert.match(advice.stdout, new RegExp(`"hat/${hat}" and "hat/small\\.png" show the same image`));
    assert.match(leak.stdout, /^Test images also in the training set +[12] +to repair$/m);
    assert.match(leak.stdout, /test image "hat\/leak\.jpg" and .* are the same file$/m);
  });

  it('gives all of it as one JSON document, escaped for no terminal and complete', async () => {
    writeFileSync(place.in('photos', 'pants', 'notes.jpg'), 'no picture');
    const { status, stdout } = await place.run([...check, '--test', 'more', '--json']);
    const told = JSON.parse(stdout) as Check;

    assert.equal(status, 1);
    assert.deepEqual([told.dataset, told.pictures, told.testPictures], ['photos', 19, 7]);
    const keys = (name: string): string[][] =>
      (told.results.find((each) => each.check === name)?.findings ?? []).map(({ pictures }) =>
        pictures.map(({ key }) => key),
      );
    assert.deepEqual(keys('unusable-files'), [['pants/notes.jpg']]);
    assert.ok(keys('split-leaks').every(([test]) => test === 'hat/leak.jpg'));
  });

  it('is what a training says first, and its features serve the training', async () => {
    const atFirst = readdirSync(place.in('cache', 'features')).length;
    const trained = await place.run(['train', 'photos', '--test', 'more', ...FAST]);
    const unchecked = await place.run(['train', 'photos', '--test', 'more', ...FAST, '--no-check']);

    assert.equal(trained.status, 0, trained.stderr);
    assert.match(trained.stderr, /^Checked 19 images in 3 classes and 7 test images: \d+ to repair/m);
    assert.match(trained.stderr, /^ {2}Test images also in the training set: \d/m);
    assert.equal(readdirSync(place.in('cache', 'features')).length, atFirst);
    assert.equal(unchecked.status, 0, unchecked.stderr);
    assert.doesNotMatch(unchecked.stderr, /Checked/);
  });

  it('ends with 2 where it is asked for something there is not', async () => {
    const { status, stderr } = await place.run(['datasets', 'check', 'photos', '--recipe', 'none']);
    assert.equal(status, 2);
    assert.match(stderr, /metric/);
  });
});
