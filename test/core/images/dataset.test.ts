import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CorruptDataError, InvalidInputError, NotFoundError } from '../../../core/errors.ts';
import { trainableClasses, withoutPictures } from '../../../core/images/dataset.ts';
import type { DataSet } from '../../../core/images/dataset.ts';
import { openDataSet } from '../../../core/images/open-dataset.ts';
import { snapshot } from '../../../core/images/snapshot.ts';
import { sharp } from '../../../core/images/vips.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { blackPng, gif, png } from './encoders.ts';
import { pattern } from './patterns.ts';

/** A picture unlike every other one of another shade. */
function shade(value: number): Buffer {
  return png(2, 2, new Uint8Array(12).fill(value));
}

async function memory(files: Record<string, Uint8Array>): Promise<ObjectStore> {
  const store = memoryStore();
  for (const [key, bytes] of Object.entries(files)) await store.put(key, bytes);
  return store;
}

async function folder(t: TestContext, files: Record<string, Uint8Array>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'kindred-images-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const [key, bytes] of Object.entries(files)) {
    const path = join(root, ...key.split('/'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return root;
}

function keys(dataSet: DataSet): string[] {
  return dataSet.pictures.map((picture) => picture.key);
}

function kinds(dataSet: DataSet): string[] {
  return dataSet.problems.map(({ key, kind }) => `${kind} ${key}`);
}

test('a folder becomes classes of pictures, sorted by class and file', async (t) => {
  const root = await folder(t, {
    'b/2.png': shade(1),
    'b/10.png': shade(2),
    'a/1.png': shade(3),
    'a b/1.png': shade(4),
  });

  const dataSet = await openDataSet(fsStore(root), '', { name: 'mine' });

  assert.equal(dataSet.name, 'mine');
  assert.deepEqual(dataSet.classes, ['a', 'a b', 'b']);
  assert.deepEqual(keys(dataSet), ['a/1.png', 'a b/1.png', 'b/10.png', 'b/2.png']);
  assert.deepEqual(dataSet.problems, []);
  const sha256 = createHash('sha256').update(shade(3)).digest('hex');
  const [first] = dataSet.pictures;
  assert.equal(first?.sha256, sha256);
  assert.deepEqual(Buffer.from(await first.read()), shade(3));
});

test('a prefix is left out of the keys and gives the name', async () => {
  const store = await memory({
    'datasets/hats/a/1.png': shade(1),
    'datasets/hats/b/1.png': shade(2),
    'datasets/hats2/c/1.png': shade(3),
  });
  for (const prefix of ['datasets/hats', 'datasets/hats/']) {
    const dataSet = await openDataSet(store, prefix);
    assert.equal(dataSet.name, 'hats');
    assert.deepEqual(keys(dataSet), ['a/1.png', 'b/1.png']);
    assert.deepEqual(Buffer.from(await dataSet.pictures[1]!.read()), shade(2));
  }
});

test('every unreadable file is reported with its reason, and the scan goes on', async (t) => {
  const source = sharp(pattern(100, 100).data, { raw: { width: 100, height: 100, channels: 3 } });
  const jpeg = await source.jpeg().toBuffer();
  const root = await folder(t, {
    'a/bomb.png': blackPng(50_000, 50_000),
    'a/cut.jpg': jpeg.subarray(0, jpeg.length / 2),
    'a/drawing.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    'a/drawing.png': Buffer.from('<?xml version="1.0"?><svg/>'),
    'a/empty.jpg': Buffer.alloc(0),
    'a/notes.txt': Buffer.from('hats from the market'),
    'a/really-a-gif.jpg': gif(1, 1, [0]),
    'a/sound.jpg': jpeg,
    'b/large.png': Buffer.concat([shade(1), Buffer.alloc(100_000)]),
    'b/sound.png': shade(2),
  });

  const dataSet = await openDataSet(fsStore(root), '', { limits: { bytes: 99_999 + 7_400_000 } });
  const strict = await openDataSet(fsStore(root), '', { limits: { bytes: 99_999 } });

  assert.deepEqual(keys(dataSet), ['a/really-a-gif.jpg', 'a/sound.jpg', 'b/large.png', 'b/sound.png']);
  const reasons = Object.fromEntries(dataSet.problems.map(({ key, reason }) => [key, reason]));
  assert.match(reasons['a/bomb.png']!, /50000 x 50000|bytes, allowed/);
  assert.match(reasons['a/cut.jpg']!, /JPEG is damaged or cut short/);
  assert.match(reasons['a/drawing.svg']!, /SVG/);
  assert.match(reasons['a/drawing.png']!, /SVG/);
  assert.match(reasons['a/empty.jpg']!, /empty/);
  assert.match(reasons['a/notes.txt']!, /plain text/);
  assert.equal(dataSet.problems.length, 6);
  assert.ok(dataSet.problems.every(({ kind }) => kind === 'unreadable'));
  assert.match(
    strict.problems.find(({ key }) => key === 'b/large.png')!.reason,
    /bytes, allowed are at most 99999/,
  );
});

test('a scan of the headers alone leaves what is cut short to the decoder', async () => {
  const whole = await sharp(pattern(100, 100).data, { raw: { width: 100, height: 100, channels: 3 } })
    .jpeg()
    .toBuffer();
  const store = await memory({
    'a/cut.jpg': whole.subarray(0, whole.length / 2),
    'a/text.jpg': Buffer.from('text'),
    'b/1.png': shade(1),
  });
  const dataSet = await openDataSet(store, '', { verify: 'header' });
  assert.deepEqual(keys(dataSet), ['a/cut.jpg', 'b/1.png']);
  assert.deepEqual(kinds(dataSet), ['unreadable a/text.jpg']);
});

test('litter and hidden files are passed over, misplaced files are reported', async (t) => {
  const root = await folder(t, {
    '.DS_Store': Buffer.from('x'),
    '.git/objects/1.png': shade(9),
    '__MACOSX/a/._1.png': Buffer.from('x'),
    'a/.hidden.png': shade(8),
    'a/1.png': shade(1),
    'a/Thumbs.db': Buffer.from('x'),
    'a/deeper/2.png': shade(2),
    'a/x.jpg/3.png': shade(3),
    'b/1.png': shade(4),
    'b/desktop.ini': Buffer.from('x'),
    'readme.png': shade(5),
  });
  await mkdir(join(root, 'b', 'y.jpg'));

  const dataSet = await openDataSet(fsStore(root), '');

  assert.deepEqual(keys(dataSet), ['a/1.png', 'b/1.png']);
  assert.deepEqual(kinds(dataSet), [
    'litter __MACOSX',
    'misplaced a/deeper/2.png',
    'misplaced a/x.jpg/3.png',
    'misplaced readme.png',
  ]);
});

test('links are followed inside the folder and reported when they lead outside', async (t) => {
  const outside = await folder(t, { 'secret.png': shade(7), 'secrets/1.png': shade(8) });
  const root = await folder(t, { 'a/1.png': shade(1), 'b/1.png': shade(2) });
  await symlink(join(root, 'a'), join(root, 'c'));
  await symlink(join(outside, 'secret.png'), join(root, 'b', 'link.png'));
  await symlink(join(outside, 'secrets'), join(root, 'd'));
  await symlink(join(root, 'nowhere'), join(root, 'b', 'dead.png'));

  const dataSet = await openDataSet(fsStore(root), '');

  assert.deepEqual(keys(dataSet), ['a/1.png', 'b/1.png', 'c/1.png']);
  assert.deepEqual(kinds(dataSet), [
    'duplicate-across-classes a/1.png',
    'unreadable b/dead.png',
    'outside b/link.png',
    'duplicate-across-classes c/1.png',
    'outside d',
  ]);
});

test('a file that may not be read is reported', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may read everything');
  const root = await folder(t, { 'a/1.png': shade(1), 'a/2.png': shade(2), 'b/1.png': shade(3) });
  await chmod(join(root, 'a', '2.png'), 0);
  assert.deepEqual(kinds(await openDataSet(fsStore(root), '')), ['unreadable a/2.png']);
});

test('names are any Unicode and stay as they are', async (t) => {
  const classes = [
    'Română'.normalize('NFD'),
    'Größe'.normalize('NFC'),
    'كتاب',
    '👩‍👩‍👧 family',
    "it's 100% #1",
    '日本',
  ];
  const files = Object.fromEntries(classes.map((name, i) => [`${name}/é ${i}.png`, shade(i)]));
  const root = await folder(t, files);

  const dataSet = await openDataSet(fsStore(root), '');

  assert.deepEqual(dataSet.classes, [...classes].sort());
  for (const picture of dataSet.pictures) {
    assert.deepEqual(Buffer.from(await picture.read()), files[picture.key]);
  }
});

test('a class in two spellings of Unicode is refused, unless somebody makes one of them', async (t) => {
  const [composed, decomposed] = ['é'.normalize('NFC'), 'é'.normalize('NFD')];
  const root = await folder(t, { [`${composed}/1.png`]: shade(1), [`${decomposed}/2.png`]: shade(2) });

  await assert.rejects(
    openDataSet(fsStore(root), ''),
    /two spellings of Unicode, "\\u00e9" and "e\\u0301"|"e\\u0301" and/,
  );
  const { classes } = await openDataSet(fsStore(root), '', { anySpelling: true });
  assert.deepEqual(classes, [decomposed, composed]);
});

test('a name with a control character is refused', async (t) => {
  const root = await folder(t, { 'a/1.png': shade(1), 'a/new\nline.png': shade(2), 'b/1.png': shade(3) });
  const dataSet = await openDataSet(fsStore(root), '');
  assert.deepEqual(keys(dataSet), ['a/1.png', 'b/1.png']);
  assert.deepEqual(kinds(dataSet), ['bad-name a/new\nline.png']);
});

test('the same picture is used once in a class, and reported under several', async () => {
  const store = await memory({
    'a/1.png': shade(1),
    'a/2.png': shade(1),
    'b/copy.jpg': shade(1),
    'b/own.png': shade(2),
  });

  const dataSet = await openDataSet(store, '');

  assert.deepEqual(keys(dataSet), ['a/1.png', 'b/copy.jpg', 'b/own.png']);
  assert.deepEqual(kinds(dataSet), [
    'duplicate-across-classes a/1.png',
    'duplicate a/2.png',
    'duplicate-across-classes b/copy.jpg',
  ]);
  assert.match(dataSet.problems[0]!.reason, /"b\/copy\.jpg"/);
  assert.match(dataSet.problems[1]!.reason, /"a\/1\.png"/);
});

test('a class of one picture is kept, and cannot be trained on', async () => {
  const dataSet = await openDataSet(
    await memory({ 'a/1.png': shade(1), 'a/2.png': shade(2), 'b/1.png': shade(3) }),
    '',
  );
  assert.deepEqual(dataSet.classes, ['a', 'b']);
  assert.deepEqual(trainableClasses(dataSet), ['a']);
});

test('fewer than two classes are an error that says what was found and what is expected', async () => {
  const expectError = async (files: Record<string, Uint8Array>, found: RegExp) => {
    await assert.rejects(openDataSet(await memory(files), '', { name: 'hats' }), (error: Error) => {
      assert.ok(error instanceof InvalidInputError);
      assert.match(error.message, /"hats".*<class>\/<file>/);
      assert.match(error.message, found);
      return true;
    });
  };
  await expectError({}, /no readable picture and 0 problem.*Nothing is there/);
  await expectError({ '1.png': shade(1) }, /no readable picture and 1 problem.*"1.png".*no class's folder/);
  await expectError({ 'a/1.png': shade(1), 'a/2.png': shade(2) }, /only the class "a" with 2 readable/);
  await expectError(
    { 'a/1.png': shade(1), 'b/1.png': Buffer.from('no') },
    /only the class "a".*"b\/1.png".*plain text/,
  );
});

test('progress is told file by file', async () => {
  const seen: string[] = [];
  const store = await memory({ 'a/1.png': shade(1), 'a/2.png': Buffer.from('no'), 'b/1.png': shade(3) });
  await openDataSet(store, '', { onProgress: ({ done, total }) => seen.push(`${done}/${total}`) });
  assert.deepEqual(seen, ['1/3', '2/3', '3/3']);
});

test('a store that fails altogether fails the scan', async () => {
  const store = await memory({ 'a/1.png': shade(1), 'b/1.png': shade(2) });
  const broken: ObjectStore = { ...store, get: () => Promise.reject(new Error('the network is down')) };
  await assert.rejects(openDataSet(broken, ''), /the network is down/);
});

test('a picture that changed or went away after the scan is not read as if nothing had happened', async () => {
  const store = await memory({ 'a/1.png': shade(1), 'b/1.png': shade(2) });
  const { pictures } = await openDataSet(store, '');
  await store.put('a/1.png', shade(3));
  await store.delete('b/1.png');
  await assert.rejects(pictures[0]!.read(), CorruptDataError);
  await assert.rejects(pictures[1]!.read(), NotFoundError);
});

test('pictures that turn out unusable later become problems', async () => {
  const files = { 'a/1.png': shade(1), 'a/2.png': shade(2), 'b/1.png': shade(3) };
  const dataSet = await openDataSet(await memory(files), '');
  const [first, , last] = dataSet.pictures;

  const left = withoutPictures(dataSet, [{ picture: first!, reason: 'cut short' }]);

  assert.deepEqual(keys(left), ['a/2.png', 'b/1.png']);
  assert.deepEqual(left.problems, [{ key: 'a/1.png', kind: 'unreadable', reason: 'cut short' }]);
  assert.throws(() => withoutPictures(dataSet, [{ picture: last!, reason: 'cut short' }]), InvalidInputError);
});

test('a snapshot is what sha256sum would print, and changes with content and with names', async () => {
  const files = { 'b/ș.png': shade(1), 'a/1.png': shade(2) };
  const hash = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
  const expected = [
    { key: 'a/1.png', sha256: hash(shade(2)) },
    { key: 'b/ș.png', sha256: hash(shade(1)) },
  ];

  const { pictures, digest } = snapshot(await openDataSet(await memory(files), ''));
  const renamed = snapshot(await openDataSet(await memory({ ...files, 'c/1.png': shade(3) }), ''));

  assert.deepEqual(pictures, expected);
  assert.equal(digest, hash(expected.map(({ key, sha256 }) => `${sha256}  ${key}\n`).join('')));
  assert.notEqual(renamed.digest, digest);
});
