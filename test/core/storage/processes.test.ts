import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fsStore } from '../../../core/storage/fs.ts';
import { tryLock, withLock } from '../../../core/storage/fs/lock.ts';
import { asText, text } from './contract.ts';
import { race, start } from './programs.ts';

const program = (name: string): URL => new URL(`programs/${name}.ts`, import.meta.url);

describe('a folder that many processes write to', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kindred-processes-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('loses none of 8 x 25 increments by compare-and-swap', async () => {
    const store = fsStore(folder);
    await store.put('counter.json', text('{"count":0}'));
    await race(
      program('increment'),
      Array.from({ length: 8 }, () => [folder, '25']),
    );
    assert.equal(asText((await store.get('counter.json'))?.bytes), '{"count":200}');
    assert.deepEqual(await readdir(join(folder, '.kindred-store', 'tmp')), []);
  });

  it('lets exactly one of 16 creators win, and keeps its content', async () => {
    const names = Array.from({ length: 16 }, (_, i) => `process ${i}`);
    const outcomes = await race(
      program('create'),
      names.map((name) => [folder, name]),
    );
    const winners = names.filter((_, i) => outcomes[i]?.[0] === 'won');
    assert.equal(winners.length, 1);
    assert.equal(asText((await fsStore(folder).get('a/b/prize'))?.bytes), winners[0]);
  });

  it('holds a whole object whenever a writer is killed, and blocks nobody after', async () => {
    const bytes = 16_000_000;
    const store = fsStore(folder);
    await store.put('large', Buffer.alloc(bytes, 0));
    for (let round = 0; round < 8; round++) {
      const writer = start(program('overwrite'), [folder, String(bytes)]);
      assert.equal(await writer.line(), 'writing');
      await sleep(Math.random() * 150);
      await writer.kill();

      const found = await store.get('large');
      assert.equal(found?.bytes.length, bytes);
      assert.ok(
        found.bytes.every((byte) => byte === found.bytes[0]),
        'the object is a mixture',
      );
      await store.put('large', Buffer.alloc(bytes, 255), { ifMatch: found.etag });
    }
  });

  it('cleans up after killed writers once their files are old', async () => {
    const hidden = join(folder, '.kindred-store', 'tmp');
    let left: string[] = [];
    for (let tries = 0; left.length === 0 && tries < 20; tries++) {
      const writer = start(program('overwrite'), [folder, '30000000']);
      await writer.line();
      while ((await readdir(hidden).catch(() => [])).length === 0) await sleep(1);
      await writer.kill();
      left = await readdir(hidden);
    }
    assert.ok(left.length > 0, 'no writer was killed in the middle');
    for (const name of left) await utimes(join(hidden, name), 1_000_000, 1_000_000);
    await fsStore(folder).put('a', text('x'));
    assert.deepEqual(await readdir(hidden), []);
  });

  it('frees the lock of a process that is killed', async () => {
    const path = join(folder, 'lock');
    const holder = start(program('hold'), [path]);
    assert.equal(await holder.line(), 'held');
    const handle = await open(path, 'r+');
    assert.equal(await tryLock(handle), false);
    await handle.close();
    await holder.kill();
    assert.equal(await withLock(path, async () => 'mine'), 'mine');
  });
});
