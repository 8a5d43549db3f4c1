import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { INDEX, makeEntry, tidyCache, useEntry } from '../../../core/training/feature-cache.ts';
import { start } from '../storage/programs.ts';

const PROGRAM = new URL('programs/use-entry.ts', import.meta.url);
const HOUR = 60 * 60_000;

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-cache-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nameOf = (digit: number): string => String(digit).repeat(32);
const entryOf = (digit: number): string => path.join(folder, nameOf(digit));

/** Fills a folder with a thousand bytes, last used so many hours ago. */
function fill(name: string, hours: number): void {
  const at = path.join(folder, name);
  const when = new Date(Date.now() - hours * HOUR);
  mkdirSync(at);
  writeFileSync(path.join(at, 'node.f32'), Buffer.alloc(998));
  writeFileSync(path.join(at, INDEX), '{}');
  for (const each of [path.join(at, 'node.f32'), path.join(at, INDEX), at]) utimesSync(each, when, when);
}

const left = (): string[] => readdirSync(folder).toSorted();

describe('a cache of features that is tidied', () => {
  it('loses what was not used for longest, until it is no larger than wanted', async () => {
    for (const [digit, hours] of [5, 9, 1, 7].entries()) fill(nameOf(digit), hours);
    await tidyCache(folder, 4000);
    assert.equal(left().length, 4);
    await tidyCache(folder, 2999);
    assert.deepEqual(left(), [nameOf(0), nameOf(2)], 'of four thousand bytes two are left below 2999');
    await tidyCache(folder, 0);
    assert.deepEqual(left(), []);
  });

  it('keeps what was used lately, however long ago it was made', async () => {
    fill(nameOf(1), 9);
    fill(nameOf(2), 5);
    closeSync((await useEntry(entryOf(1))) as number);
    await tidyCache(folder, 1000);
    assert.deepEqual(left(), [nameOf(1)]);
  });

  it('keeps what is in use, by this process or another one, until that is over', async () => {
    fill(nameOf(1), 9);
    fill(nameOf(2), 8);
    fill(nameOf(3), 7);
    const descriptor = await useEntry(entryOf(1));
    const other = start(PROGRAM, [entryOf(2)]);
    assert.equal(await other.line(), 'used');
    await tidyCache(folder, 0);
    assert.deepEqual(left(), [nameOf(1), nameOf(2)]);
    await other.kill();
    await tidyCache(folder, 0);
    assert.deepEqual(left(), [nameOf(1)]);
    closeSync(descriptor as number);
    await tidyCache(folder, 0);
    assert.deepEqual(left(), []);
  });

  it('loses what was left unfinished for a day, not what is being made', async () => {
    fill(`${nameOf(1)}.a.partial`, 25);
    fill(`${nameOf(2)}.b.partial`, 23);
    fill(`${nameOf(3)}.c.partial`, 25);
    writeFileSync(path.join(folder, `${nameOf(3)}.c.partial`, 'node.f32'), 'more');
    await tidyCache(folder, 0);
    assert.deepEqual(left(), [`${nameOf(2)}.b.partial`, `${nameOf(3)}.c.partial`]);
  });

  it('keeps what is not its own', async () => {
    mkdirSync(path.join(folder, 'photos'));
    writeFileSync(path.join(folder, 'notes.txt'), 'mine');
    await tidyCache(folder, 0);
    assert.deepEqual(left(), ['notes.txt', 'photos']);
  });

  it('is tidied by many at once', async () => {
    for (let digit = 0; digit < 8; digit++) fill(nameOf(digit), digit);
    await Promise.all(Array.from({ length: 8 }, () => tidyCache(folder, 3000)));
    assert.ok(left().length <= 3, left().join());
  });
});

describe('an entry of the cache', () => {
  const write = async (at: string): Promise<void> => writeFileSync(path.join(at, INDEX), at);
  const never = async (): Promise<boolean> => false;

  it('is there once it is complete, and not before', async () => {
    await makeEntry(
      entryOf(1),
      async (at) => {
        await write(at);
        assert.equal(await useEntry(entryOf(1)), null);
      },
      never,
    );
    assert.deepEqual(left(), [nameOf(1)]);
    await assert.rejects(
      makeEntry(entryOf(2), async (at) => write(at).then(() => Promise.reject(new Error('full'))), never),
      /full/,
    );
    assert.deepEqual(left(), [nameOf(1)]);
  });

  it('stays when it is whole, and gives way when it is not', async () => {
    fill(nameOf(1), 1);
    await makeEntry(entryOf(1), write, async () => true);
    assert.ok(existsSync(path.join(entryOf(1), 'node.f32')));
    await makeEntry(entryOf(1), write, never);
    assert.ok(!existsSync(path.join(entryOf(1), 'node.f32')));
    assert.deepEqual(left(), [nameOf(1)]);
  });

  it('without an index gives way too', async () => {
    fill(nameOf(1), 1);
    rmSync(path.join(entryOf(1), INDEX));
    assert.equal(await useEntry(entryOf(1)), null);
    await makeEntry(entryOf(1), write, never);
    assert.deepEqual(readdirSync(entryOf(1)), [INDEX]);
  });
});
