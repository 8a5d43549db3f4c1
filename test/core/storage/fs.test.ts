import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidInputError } from '../../../core/errors.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import type { ListedObject } from '../../../core/storage/store.ts';
import { asText, gather, keysOf, storageContract, text } from './contract.ts';

storageContract('fs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-fs-'));
  return { store: fsStore(join(folder, 'not', 'yet')), close: () => rm(folder, { recursive: true }) };
});

describe('a store in a folder', () => {
  let base: string;
  let folder: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'kindred-fs-'));
    folder = join(base, 'store');
    await mkdir(folder);
  });
  afterEach(() => rm(base, { recursive: true }));

  it('reads and lists without leaving a trace', async () => {
    await writeFile(join(folder, 'a.txt'), 'x');
    const store = fsStore(folder);
    assert.deepEqual(await keysOf(store, ''), ['a.txt']);
    assert.equal(asText((await store.get('a.txt'))?.bytes), 'x');
    assert.deepEqual(await readdir(folder), ['a.txt']);
  });

  it('leaves nothing temporary behind, nor empty folders', async () => {
    const store = fsStore(folder);
    await store.put('a/b/c', text('x'));
    await store.put('a/b/c', text('y'), { ifAbsent: true }).catch(() => undefined);
    await store.delete('a/b/c');
    assert.deepEqual(await readdir(join(folder, '.kindred-store', 'tmp')), []);
    assert.deepEqual(await readdir(folder), ['.kindred-store']);
  });

  it('tells composed and decomposed names apart where the file system does', async (t) => {
    await writeFile(join(base, 'é'), '');
    if ((await readFile(join(base, 'e\u0301'), 'utf8').catch(() => null)) !== null)
      return t.skip('it does not');
    const store = fsStore(folder);
    await store.put('é', text('composed'));
    await store.put('e\u0301', text('decomposed'));
    assert.equal(asText((await store.get('é'))?.bytes), 'composed');
    assert.deepEqual(await keysOf(store, ''), ['e\u0301', 'é']);
  });

  it('lists a file that is there all the time, under one name or the next, written before the old one is removed', async () => {
    const store = fsStore(folder);
    const at = (n: number): string => `a/${String(n).padStart(4, '0')}`;
    await store.put(at(0), text('x'));
    const ending = new AbortController();
    const moving = (async () => {
      for (let n = 0; !ending.signal.aborted; n++) {
        await writeFile(join(folder, at(n + 1)), 'x');
        await rm(join(folder, at(n)));
        await sleep(Math.random() * 4);
      }
    })();
    let missed = 0;
    for (let n = 0; n < 300; n++) if ((await keysOf(store, 'a/')).length === 0) missed++;
    ending.abort();
    await moving;

    assert.equal(missed, 0);
  });

  it('never follows a link out of the folder, for reading, writing, deleting or listing', async () => {
    const outside = join(base, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(folder, 'link'));
    await symlink(join(outside, 'secret'), join(folder, 'file'));
    await symlink('../outside/secret', join(folder, 'relative'));
    const store = fsStore(folder);

    for (const key of ['link/secret', 'file', 'relative']) {
      await assert.rejects(store.get(key), /outside the store/);
      await assert.rejects(store.head(key), InvalidInputError);
      await assert.rejects(store.read(key), InvalidInputError);
    }
    await assert.rejects(store.put('link/new', text('x')), InvalidInputError);
    await assert.rejects(store.put('link/deep/new', text('x')), InvalidInputError);
    await assert.rejects(store.delete('link/secret'), InvalidInputError);
    await assert.rejects(keysOf(store, 'link/'), InvalidInputError);
    await store.put('file', text('mine')); // takes the link's place

    assert.deepEqual(await readdir(outside), ['secret']);
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'secret');
    const problems = (await gather(store.list(''))).map(({ key, problem }) => [key, problem?.kind]);
    assert.deepEqual(problems, [
      ['file', undefined],
      ['link', 'outside'],
      ['relative', 'outside'],
    ]);
  });

  it('follows links inside the folder, but not in circles, and not to its hidden files', async () => {
    const store = fsStore(folder);
    await store.put('cats/one', text('1'));
    await symlink('cats', join(folder, 'more'));
    await symlink('..', join(folder, 'cats', 'up'));
    await symlink('loop', join(folder, 'loop'));
    await symlink('nowhere', join(folder, 'dead'));
    await symlink('.kindred-store', join(folder, 'hidden'));
    assert.equal(asText((await store.get('more/one'))?.bytes), '1');
    assert.equal(await store.get('dead'), null);
    await assert.rejects(store.get('loop'), /circle/);
    const listed = (await gather(store.list(''))).map(({ key, problem }) => [key, problem?.kind]);
    assert.deepEqual(listed, [
      ['cats/one', undefined],
      ['cats/up', 'unreadable'],
      ['dead', 'unreadable'],
      ['hidden', 'outside'],
      ['loop', 'unreadable'],
      ['more/one', undefined],
      ['more/up', 'unreadable'],
    ]);
    assert.deepEqual(await gather(store.folders('')), ['cats', 'more']);
  });

  it('refuses hidden folders that are links', async () => {
    await mkdir(join(base, 'outside'));
    await symlink('../outside', join(folder, '.kindred-store'));
    await assert.rejects(fsStore(folder).put('a', text('x')), InvalidInputError);
    assert.deepEqual(await keysOf(fsStore(folder), ''), []);
  });

  it('works in a folder that is itself reached by a link', async () => {
    await symlink('store', join(base, 'way'));
    const store = fsStore(join(base, 'way'));
    await store.put('a/b', text('x'));
    assert.deepEqual(await keysOf(store, ''), ['a/b']);
    assert.equal(asText((await fsStore(folder).get('a/b'))?.bytes), 'x');
  });

  it('reports names that are no keys, and pipes, without opening them', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await writeFile(join(folder, 'line\nbreak'), 'x');
    await writeFile(Buffer.concat([Buffer.from(join(folder, 'latin-')), Buffer.from([0xe9])]), 'x');
    await writeFile(join(folder, 'good'), 'x');
    const store = fsStore(folder);
    const listed: ListedObject[] = await gather(store.list(''));
    const kinds = listed.map(({ key, problem }) => [key, problem?.kind]);
    assert.deepEqual(kinds, [
      ['good', undefined],
      ['latin-\ufffd', 'bad-name'],
      ['line\nbreak', 'bad-name'],
      ['pipe', 'unreadable'],
    ]);
    assert.equal(await store.get('pipe'), null);
  });

  it('says so when a file is where a folder is needed, or a folder where a file would go', async () => {
    const store = fsStore(folder);
    await store.put('a', text('file'));
    assert.equal(await store.get('a/b'), null);
    await assert.rejects(store.put('a/b', text('x')), /file is where a folder is needed/);
    await assert.rejects(store.put('a/b/c', text('x')), /file is where a folder is needed/);
    await store.put('folder/x', text('x'));
    assert.equal(await store.get('folder'), null);
    await assert.rejects(store.put('folder', text('x')), /folder is where the file/);
    await store.delete('folder');
    assert.deepEqual(await keysOf(store, ''), ['a', 'folder/x']);
    const inFile = fsStore(join(folder, 'a'));
    await assert.rejects(inFile.put('b', text('x')), /file is where a folder is needed/);
    await assert.rejects(keysOf(inFile, ''), /file is where a folder is needed/);
  });

  it('says so when a folder of the way is a link that leads nowhere', async () => {
    await symlink('nowhere', join(folder, 'dead'));
    await assert.rejects(fsStore(folder).put('dead/a', text('x')), /leads nowhere/);
    await assert.rejects(fsStore(join(folder, 'dead', 'store')).put('a', text('x')), /Cannot write/);
    await assert.rejects(fsStore(join(folder, 'dead')).put('a', text('x')), /Cannot write/);
  });

  it('removes what writers left long ago, but not what may still be written', async () => {
    const hidden = join(folder, '.kindred-store', 'tmp');
    await mkdir(hidden, { recursive: true });
    await writeFile(join(hidden, 'old'), 'x');
    await utimes(join(hidden, 'old'), 1_000_000, 1_000_000);
    await writeFile(join(hidden, 'young'), 'x');
    await fsStore(folder).put('a', text('x'));
    assert.deepEqual(await readdir(hidden), ['young']);
  });
});
