import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { openRegistry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { SHARP, add, pictures, publishColours } from '../core/registry/colours.ts';
import { Workplace } from './support.ts';

interface Listed {
  readonly classes: readonly unknown[];
}

describe('a version as an archive', () => {
  let place: Workplace;
  before(async () => {
    place = new Workplace();
    const registry = openRegistry(fsStore(place.in('.kindred')));
    await publishColours(registry, SHARP, await pictures(['red', 'green'], 0, 2));
    await add(registry, 1, await pictures(['blue'], 0, 1));
  });
  after(() => place.close());

  it('goes to another registry with its gallery, once however often', async () => {
    const exported = await place.json<{ size: number }>(['models', 'export', 'colours@1', 'out.tar']);
    const there = ['--registry', 'elsewhere'];
    const made = [
      await place.json(['models', 'import', 'out.tar', ...there]),
      await place.json(['models', 'import', 'out.tar', ...there]),
    ];

    assert.equal(exported.size, readFileSync(place.in('out.tar')).length);
    const expected = { model: 'colours', version: 1, from: { model: 'colours', version: 1 } };
    assert.deepEqual(made, [expected, expected]);
    const list = ['gallery', 'list', '--model', 'colours@1'];
    const { classes } = await place.json<Listed>(list);
    assert.equal(classes.length, 3);
    assert.deepEqual((await place.json<Listed>([...list, ...there])).classes, classes);
  });

  it('is not written over a file, and what is no archive publishes nothing', async () => {
    writeFileSync(place.in('mine'), 'mine');
    const files = readdirSync(place.in('.'));

    const written = await place.run(['models', 'export', 'colours@1', 'mine', '--json']);
    const read = await place.run(['models', 'import', 'mine', '--registry', 'nowhere', '--json']);

    assert.deepEqual([written.status, read.status], [1, 1]);
    assert.match(written.stderr, /"mine"/);
    assert.match(read.stderr, /archive/);
    assert.equal(readFileSync(place.in('mine'), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(place.in('.')), files);
    assert.ok(!existsSync(place.in('nowhere')));
  });

  it('leaves no file when the version is damaged', async () => {
    writeFileSync(place.in('.kindred', 'models', 'colours', 'versions', '1', 'training.json'), '[]');
    const files = readdirSync(place.in('.'));

    const { status, stderr } = await place.run(['models', 'export', 'colours@1', 'damaged.tar']);

    assert.equal(status, 1);
    assert.match(stderr, /training\.json/);
    assert.deepEqual(readdirSync(place.in('.')), files);
  });
});
