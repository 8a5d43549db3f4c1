import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { author, draft, dyingAfter } from '../core/registry/support.ts';
import { Workplace } from './support.ts';

describe('what is deleted on the command line', () => {
  let place: Workplace;
  let registry: Registry;
  const refused = async (args: readonly string[], status: number): Promise<string> => {
    const ended = await place.run(args);
    assert.deepEqual([ended.status, ended.stdout], [status, ''], ended.stderr);
    return ended.stderr;
  };
  before(async () => {
    place = new Workplace();
    place.dataSet('clothes', { classes: ['hat'], count: 2 });
    registry = openRegistry(fsStore(place.in('.kindred')));
    for (const seed of [1, 2]) await registry.publish('cats', draft({ seed }));
    await registry.move('cats', 'production', 1, author);
    await registry.move('cats', 'staging', 2, author);
  });
  after(() => place.close());

  it('is an alias, with --alias; "production" only with --force', async () => {
    assert.match(await refused(['models', 'delete', 'cats', '--alias', 'production'], 1), /--force/);
    await refused(['models', 'delete', 'cats@staging'], 2);
    await refused(['models', 'delete', 'cats@2', '--alias', 'staging'], 2);
    assert.deepEqual(await place.json(['models', 'delete', 'cats', '--alias', 'staging']), {
      model: 'cats',
      alias: 'staging',
      deleted: true,
    });
    await refused(['models', 'delete', 'cats', '--alias', 'staging'], 1);
    assert.deepEqual(
      (await registry.aliases('cats')).map(({ alias }) => alias),
      ['production'],
    );
  });

  it('is a model, by its name alone; while in production only with --force', async () => {
    assert.match(await refused(['models', 'delete', 'cats'], 1), /--force/);
    await refused(['models', 'delete', 'cats@1', '--force'], 2);
    await refused(['models', 'delete', 'dogs'], 1);
    assert.deepEqual(await registry.versions('cats'), [1, 2]);
    assert.deepEqual(await place.json(['models', 'delete', '--model', 'cats', '--force', '--why', 'old']), {
      model: 'cats',
      versions: [1, 2],
      deleted: true,
    });
    assert.deepEqual(await place.json(['models', 'list']), { models: [], unfinished: [] });
  });

  it('is listed when the deletion was interrupted, with the command that finishes it', async () => {
    await registry.publish('cats', draft());
    await assert.rejects(openRegistry(dyingAfter(registry.store, 3)).deleteModel('cats', author), /killed/);

    const { stderr } = await place.run(['models', 'list']);
    assert.match(stderr, /kindred models delete cats$/m);
    await place.json(['models', 'delete', 'cats']);

    assert.equal((await place.run(['models', 'list'])).stderr, '');
  });

  it('is a dataset', async () => {
    await place.json(['datasets', 'add', 'wardrobe', 'clothes']);
    await refused(['datasets', 'delete', 'closet'], 1);
    assert.deepEqual(await place.json(['datasets', 'delete', 'wardrobe']), {
      dataset: 'wardrobe',
      images: 2,
      deleted: true,
    });
    assert.deepEqual(await place.json(['datasets', 'list']), { datasets: [] });
    await refused(['datasets', 'delete', 'wardrobe'], 1);
  });
});
