import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { readGallery } from '../../core/gallery/arrow.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { OTHER, SHARP, picture, pictures, publishColours, rowsOfVersion } from '../core/registry/colours.ts';
import { author } from '../core/registry/support.ts';
import { Workplace } from './support.ts';

interface Change {
  readonly segment: string | null;
  readonly added: number;
  readonly removed: number;
  readonly keys?: readonly string[];
  readonly unchanged?: number;
  readonly rejected?: number;
  readonly errors?: readonly { readonly image: string }[];
}

describe('a gallery on the command line', () => {
  let place: Workplace;
  let registry: Registry;
  const gallery = async (...args: string[]): Promise<Change> => place.json(['gallery', ...args]);
  const keysOf = async (version: number): Promise<string[]> =>
    (await rowsOfVersion(registry, version)).map(([key]) => key);
  before(async () => {
    place = new Workplace();
    registry = openRegistry(fsStore(place.in('.kindred')));
    for (const sees of [SHARP, OTHER]) {
      await publishColours(registry, sees, await pictures(['red', 'green'], 0, 2));
    }
    await registry.move('colours', 'production', 1, author);
    mkdirSync(place.in('later', 'blue'), { recursive: true });
    for (const each of await pictures(['blue'], 0, 2)) {
      writeFileSync(place.in('later', each.key), await each.read());
    }
    writeFileSync(place.in('red-0.png'), await (await picture('red', 0)).read());
    writeFileSync(place.in('text.png'), 'not an image');
  });
  after(() => place.close());

  it('changes for all versions, whichever of them a command names', async () => {
    const added = await gallery('add', 'sky', 'later/blue/0.png', 'later/blue/1.png', '--model', 'colours@2');
    const again = await gallery('add', 'sky', 'later/blue/0.png');
    const renamed = await gallery('rename', 'sky', 'sea');
    const removed = await gallery('remove', 'sea/1.png');
    const merged = await gallery('merge', 'sea', 'green', '--into', 'cold');

    assert.deepEqual(added.keys, ['sky/0.png', 'sky/1.png']);
    assert.deepEqual([again.segment, again.keys, again.unchanged], [null, [], 1]);
    const counts = [added, again, renamed, removed, merged].map((one) => [one.added, one.removed]);
    assert.deepEqual(counts, [
      [2, 0],
      [0, 0],
      [2, 2],
      [0, 1],
      [3, 3],
    ]);
    for (const version of [1, 2]) assert.equal((await keysOf(version)).length, 5);
    assert.deepEqual(await keysOf(1), await keysOf(2));
    assert.deepEqual(new Set((await keysOf(1)).map((key) => key.split('/')[0])), new Set(['cold', 'red']));
    assert.equal(readdirSync(place.in('.kindred', 'blobs')).length, 2);
  });

  it('keeps rejected images out of every class, and lists them', async () => {
    const { sha256 } = await picture('red', 0);
    const broken = await place.run(['gallery', 'reject', 'red-0.png', 'text.png', 'none.png', '--json']);
    const again = await gallery('reject', 'red-0.png');
    const { rejected } = await place.json<{ rejected: unknown }>(['gallery', 'list', '--rejected']);

    const first = JSON.parse(broken.stdout) as Change;
    assert.equal(broken.status, 1);
    assert.deepEqual([first.rejected, first.removed, first.unchanged], [1, 1, 0]);
    assert.deepEqual(new Set(first.errors?.map(({ image }) => image)), new Set(['text.png', 'none.png']));
    assert.deepEqual([again.segment, again.rejected, again.unchanged], [null, 0, 1]);
    assert.deepEqual(rejected, [{ sha256, source: null }]);
    for (const version of [1, 2]) assert.ok(!(await keysOf(version)).includes('red/0.png'));
    const added = await gallery('add', 'red', 'red-0.png');
    assert.equal(added.added, 1);
    assert.deepEqual(await place.json(['gallery', 'list', '--rejected']), {
      model: 'colours',
      version: 1,
      rejected: [],
    });
  });

  it('imports a folder, once, and is exported with and without embeddings', async () => {
    const imported = await gallery('import', 'later');
    const again = await gallery('import', 'later');
    await place.json(['gallery', 'export', 'all.csv']);
    await place.json(['gallery', 'export', 'all.arrow', '--model', 'colours@2']);

    assert.deepEqual([imported.added, again.added, again.unchanged], [2, 0, 2]);
    const { keys, classes, sha256 } = readGallery(readFileSync(place.in('all.arrow')));
    const rows = keys.map((key, row) => `${key},${classes[row]},${sha256[row]}`);
    assert.deepEqual(readFileSync(place.in('all.csv'), 'utf8').trimEnd().split('\r\n'), [
      'key,class,sha256',
      ...rows,
    ]);
    assert.equal((await place.run(['gallery', 'list', '--class', 'red', '--rejected'])).status, 2);
  });
});
