import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { condemnEntry, entryDamage, entryProblem, placeEntry } from '../../scripts/setup/entry.mjs';
import { sha256Of, temporaryFolder, writeFiles } from './support.ts';

/** Fills a folder as a set-up would and gives what it has to say about the files. */
function fill(folder: string, content: string): Record<string, { bytes: number; sha256: string }> {
  writeFiles(folder, { 'lib/a.so': content, 'include/a.h': 'header' });
  const names = ['lib/a.so', 'include/a.h'];
  return Object.fromEntries(
    names.map((name) => {
      const file = path.join(folder, name);
      return [name, { bytes: readFileSync(file).length, sha256: sha256Of(file) }];
    }),
  );
}

test('An entry is whole once it is in its place, and not there before', async (t) => {
  const folder = temporaryFolder(t);
  const place = path.join(folder, 'cache', 'entry');
  const files = fill(path.join(folder, 'filled'), 'library');

  const before = entryProblem(place);
  placeEntry(path.join(folder, 'filled'), files, place);

  assert.equal(before, 'it is not there');
  assert.equal(await entryDamage(place), undefined);
});

test('A missing, a truncated and a changed file are noticed and named', async (t) => {
  const folder = temporaryFolder(t);
  const place = path.join(folder, 'entry');
  placeEntry(path.join(folder, 'filled'), fill(path.join(folder, 'filled'), 'library'), place);

  writeFileSync(path.join(place, 'lib/a.so'), 'librarx');
  assert.equal(entryProblem(place), undefined);
  assert.equal(await entryDamage(place), 'lib/a.so does not match its SHA-256');
  writeFileSync(path.join(place, 'lib/a.so'), 'lib');
  assert.equal(entryProblem(place), 'lib/a.so has 3 bytes instead of 7');
  rmSync(path.join(place, 'lib/a.so'));
  assert.equal(entryProblem(place), 'lib/a.so is missing');
  writeFileSync(path.join(place, 'complete.json'), '{"files":');
  assert.match(entryProblem(place) ?? '', /^complete.json cannot be used/);
});

test('Of two that fill the same entry the first one stays, and neither fails', (t) => {
  const folder = temporaryFolder(t);
  const place = path.join(folder, 'entry');
  const first = fill(path.join(folder, 'first'), 'library 1');
  const second = fill(path.join(folder, 'second'), 'library 2');

  placeEntry(path.join(folder, 'first'), first, place);
  placeEntry(path.join(folder, 'second'), second, place);

  assert.equal(entryProblem(place), undefined);
  assert.equal(readFileSync(path.join(place, 'lib/a.so'), 'utf8'), 'library 1');
});

test('A damaged entry is replaced, also when only its content is wrong', (t) => {
  const folder = temporaryFolder(t);
  const place = path.join(folder, 'entry');
  placeEntry(path.join(folder, 'filled'), fill(path.join(folder, 'filled'), 'library'), place);
  writeFileSync(path.join(place, 'lib/a.so'), 'librarx');

  condemnEntry(place);
  const again = fill(path.join(folder, 'again'), 'library');
  placeEntry(path.join(folder, 'again'), again, place);

  assert.equal(entryProblem(place), undefined);
  assert.equal(readFileSync(path.join(place, 'lib/a.so'), 'utf8'), 'library');
});
