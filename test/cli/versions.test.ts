import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Comparison } from '../../core/promotion/compare.ts';
import type { Gate } from '../../core/promotion/gate.ts';
import { FAST, Workplace } from './support.ts';

interface Moved {
  readonly version: number;
  readonly from: number | null;
  readonly promoted: boolean;
  readonly gate: Gate | null;
  readonly embedded: number;
  readonly missing: readonly { readonly key: string; readonly reason: string }[];
}

const NEXT = { hat: 'pants', pants: 'shoes', shoes: 'hat' };

describe('versions that come and go on the command line', () => {
  let place: Workplace;
  const train = async (folder: string, ...flags: string[]): Promise<Moved> =>
    place.json(['train', folder, '--test', 'test', '--model', 'clothes', '--no-check', ...FAST, ...flags]);
  const skirt = (n: number): string =>
    place.in('skirts', 'skirt', readdirSync(place.in('skirts', 'skirt')).toSorted()[n] ?? '');
  const keys = async (version: number): Promise<string[]> => {
    const listed = await place.json<{ pictures: { key: string }[] }>([
      'gallery',
      'list',
      '--model',
      `clothes@${version}`,
    ]);
    return listed.pictures.map(({ key }) => key);
  };
  /** The images that are kept, beside the weights that versions share. */
  const keptImages = (): string[] => {
    const manifest = readFileSync(
      place.in('.kindred', 'models', 'clothes', 'versions', '1', 'manifest.json'),
    );
    return readdirSync(place.in('.kindred', 'blobs')).filter((name) => !manifest.includes(name));
  };
  before(async () => {
    place = new Workplace();
    place.dataSet('good');
    place.dataSet('test', { part: 'test', count: 3 });
    place.dataSet('skirts', { classes: ['skirt'], count: 4 });
    place.dataSet('dresses', { classes: ['dress'], count: 1 });
    for (const [from, to] of Object.entries(NEXT)) {
      cpSync(place.in('good', from), place.in('mixed-up', to), { recursive: true });
    }
    await train('good');
  });
  after(() => place.close());

  it('are published but not promoted when they are worse; the training ends well', async () => {
    const told = await place.run([
      'train',
      'mixed-up',
      '--test',
      'test',
      '--model',
      'clothes',
      '--no-check',
      ...FAST,
    ]);

    assert.equal(told.status, 0, told.stderr);
    assert.match(
      told.stdout,
      /^Published, but not promoted: clothes@production stays at version 1\. Version 2: worse: /m,
    );
    assert.match(told.stdout, /kindred models promote clothes@2 --force/);
    const { promoted, gate } = await train('mixed-up', '--seed', '5');
    assert.deepEqual([promoted, gate?.outcome, gate?.against], [false, 'worse', 1]);
  });

  it('are compared on the pictures that the newer one was judged on, or on others', async () => {
    const usual = await place.json<Comparison>(['models', 'compare', 'clothes@2', 'clothes']);
    const told = await place.run(['models', 'compare', 'clothes@2', 'clothes@1']);
    const others = await place.json<Comparison>([
      'models',
      'compare',
      'clothes@2',
      'clothes@1',
      '--on',
      'good',
    ]);

    assert.deepEqual([usual.first.version, usual.second.version, usual.images], [2, 1, 9]);
    assert.equal(usual.paired?.difference, (usual.first.right - usual.second.right) / 9);
    assert.ok(usual.changed.length > 0);
    assert.match(told.stdout, /^9 pictures asked\.$/m);
    assert.match(told.stdout, /^Difference -\d+\.\d points \(95 % interval .*right only by clothes@2/m);
    assert.match(told.stdout, /^clothes@1 +\d +\d/m);
    assert.deepEqual([others.images, others.leftOut.trained, others.paired], [0, 12, null]);
  });

  it('are not compared on pictures that are gone', async () => {
    renameSync(place.in('test'), place.in('moved'));
    const { status, stderr } = await place.run(['models', 'compare', 'clothes@2', 'clothes@1']);
    renameSync(place.in('moved'), place.in('test'));

    assert.equal(status, 1);
    assert.match(stderr, /clothes@2 was judged on are not to be found\. Name others with --on DATASET/);
  });

  it('are held up when they are worse, and are promoted when forced, with what was added', async () => {
    const refused = await place.run(['models', 'promote', 'clothes@2', '--json']);
    await place.json(['datasets', 'add', 'wardrobe', 'skirts']);
    await place.json(['gallery', 'add', 'skirt', skirt(0), skirt(1)]);
    await place.json(['gallery', 'import', 'wardrobe']);
    await place.json(['gallery', 'rename', 'skirt', 'kilt']);
    const forced = await place.json<Moved>(['models', 'promote', 'clothes@2', '--force', '--why', 'to try']);
    const again = await place.run(['models', 'promote', 'clothes@2']);

    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /clothes@production stays at version 1: version 2 is worse.*--force/);
    const held = JSON.parse(refused.stdout) as Moved;
    assert.deepEqual([held.promoted, held.gate?.outcome], [false, 'worse']);
    assert.deepEqual([forced.promoted, forced.from], [true, 1]);
    // Two images are kept as they are, the other two are in the dataset.
    assert.deepEqual([forced.embedded, forced.missing], [4, []]);
    assert.equal(keptImages().length, 2);
    assert.match(again.stdout, /^clothes@production is at version 2 already\.$/m);
    const kilts = (await keys(2)).filter((key) => key.startsWith('kilt/'));
    assert.equal(kilts.length, 4);
    assert.deepEqual(
      kilts,
      (await keys(1)).filter((key) => key.startsWith('kilt/')),
    );
  });

  it('are rolled back in one command, and every change since stays', async () => {
    await place.json(['gallery', 'remove', '--class', 'kilt']);
    await place.json(['gallery', 'add', 'skirt', skirt(2)]);

    const { version, from } = await place.json<Moved>(['models', 'rollback', 'clothes']);

    assert.deepEqual([version, from], [1, 2]);
    for (const each of [1, 2]) {
      const later = (await keys(each)).filter((key) => /^(skirt|kilt)\//.test(key));
      assert.deepEqual(later, [`skirt/${path.basename(skirt(2))}`]);
    }
    const answer = await place.json<{ results: { class: string }[] }>(['classify', skirt(2)]);
    assert.equal(answer.results[0]?.class, 'skirt');
    const { history } = await place.json<{ history: { why: string; version: number; rollback?: boolean }[] }>(
      ['models', 'history', 'clothes'],
    );
    assert.deepEqual(
      history.map((move) => (move.rollback ? -move.version : move.version)),
      [1, 2, -1],
    );
    assert.match(history[1]?.why ?? '', /^to try; .* of 9 pictures right, version 1 /);
  });

  it('are refused where an image of the gallery is gone, unless forced', async () => {
    const dress = place.in('dresses', 'dress', readdirSync(place.in('dresses', 'dress'))[0] ?? '');
    await place.json(['gallery', 'add', 'dress', dress]);
    for (const name of keptImages()) rmSync(place.in('.kindred', 'blobs', name));

    const refused = await place.run(['models', 'promote', 'clothes@3', '--json']);
    const again = await place.json<{ unchanged: number }>(['gallery', 'add', 'dress', dress]);
    const promoted = await place.json<Moved>(['models', 'promote', 'clothes@3', '--force']);

    assert.equal(refused.status, 1);
    const { gate, missing } = JSON.parse(refused.stdout) as Moved;
    assert.equal(gate?.outcome, 'blocked');
    assert.ok(missing.some(({ key }) => key.startsWith('dress/')));
    assert.equal(again.unchanged, 1);
    assert.equal(promoted.version, 3);
    assert.ok(
      !promoted.missing.some(({ key }) => key.startsWith('dress/')),
      'added again, it is stored again',
    );
  });

  it('are deleted when no alias points to them', async () => {
    await place.json(['models', 'rollback', 'clothes']);
    await place.json(['models', 'delete', 'clothes@3']);

    const { status, stdout } = await place.run(['models', 'delete', 'clothes@2']);

    assert.equal(status, 0);
    assert.match(stdout, /^Version 2 of clothes is deleted\.$/m);
  });
});
