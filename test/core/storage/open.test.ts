import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { InvalidInputError } from '../../../core/errors.ts';
import { openStore } from '../../../core/storage/open.ts';
import { asText, text } from './contract.ts';

it('opens a path and a file address as the same folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-open 100% '));
  t.after(() => rm(folder, { recursive: true }));
  const uri = pathToFileURL(folder).href;
  await openStore(uri).put('a/b', text('x'));
  assert.equal(await readFile(join(folder, 'a', 'b'), 'utf8'), 'x');
  assert.equal(asText((await openStore(folder).get('a/b'))?.bytes), 'x');
  assert.equal(openStore(uri).uri, uri);
  assert.equal(openStore(folder).uri, folder);
});

it('shares a memory store by its name', async () => {
  await openStore('memory://shared').put('a', text('x'));
  assert.equal(asText((await openStore('memory://shared').get('a'))?.bytes), 'x');
  assert.equal(await openStore('memory://other').get('a'), null);
});

it('says what is allowed when it cannot open', () => {
  assert.throws(
    () => openStore('s3://bucket/prefix'),
    /S3 registries .* not supported by this version.*file:\/\//,
  );
  for (const uri of ['', 'memory://', 'http://x/y', 'file://host/share', 'gs://b', 'a\0b']) {
    assert.throws(() => openStore(uri), InvalidInputError, JSON.stringify(uri));
  }
});
