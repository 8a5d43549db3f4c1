import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDataSet } from '../../../core/images/open-dataset.ts';
import { placeOf } from '../../../core/images/layout.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { png } from './encoders.ts';

const FOLDERS = [
  '#recycle',
  '@Recycle',
  '@eaDir',
  '@Recently-Snapshot',
  '.stversions',
  '.snapshots',
  '.@__thumb',
  '~snapshot',
  '$RECYCLE.BIN',
  'RECYCLER',
  'System Volume Information',
  'lost+found',
  '.Trashes',
  '.Spotlight-V100',
  '__MACOSX',
  '.ipynb_checkpoints',
];

test('what storage systems make is no class, and no file of one', () => {
  for (const folder of FOLDERS) {
    assert.equal(placeOf(`${folder}/1.png`), 'ignored', folder);
    assert.equal(placeOf(`hat/${folder}/1.jpg/2.png`), 'ignored', folder);
  }
  for (const file of ['Thumbs.db', 'desktop.ini', '.DS_Store', '._1.png']) {
    assert.equal(placeOf(`hat/${file}`), 'ignored', file);
  }
  for (const name of ['recycling', 'Thumbs', '#1', '@home', 'snapshot']) {
    assert.deepEqual(placeOf(`${name}/1.png`), { className: name });
  }
});

test('however much litter there is, one line says so', async () => {
  const store = memoryStore();
  const shade = (value: number) => png(2, 2, new Uint8Array(12).fill(value));
  for (const key of ['hat/1.png', 'pants/1.png']) await store.put(key, shade(key.length));
  for (let i = 0; i < 20; i++) {
    await store.put(`#recycle/${i}.png`, shade(i));
    await store.put(`hat/@eaDir/${i}.png/thumb.jpg`, shade(i));
  }
  const { classes, pictures, problems } = await openDataSet(store, '');
  assert.deepEqual(classes, ['hat', 'pants']);
  assert.equal(pictures.length, 2);
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ['litter'],
  );
});
