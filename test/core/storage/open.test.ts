import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
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

it('opens a bucket of S3, with or without a prefix, without asking anybody', () => {
  for (const uri of ['s3://bucket', 's3://bucket/', 's3://my.bucket-1/a/é +%20/b', 'S3://bucket/prefix/']) {
    assert.equal(openStore(uri).uri, uri);
  }
});

it('loads the AWS client with the first request to S3, and not for a folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-open-'));
  t.after(() => rm(folder, { recursive: true }));
  const script = `
    import { createRequire } from 'node:module';
    import { openStore } from './core/storage/open.ts';
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('client-s3'));
    await openStore(process.env.FOLDER).put('a', new Uint8Array(1));
    const store = openStore('s3://bucket', { s3: { endpoint: 'http://127.0.0.1:9', attempts: 1 } });
    const before = isLoaded();
    await store.get('a').catch(() => undefined);
    console.log(before, isLoaded());`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const env = { ...process.env, FOLDER: folder, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const cwd = fileURLToPath(new URL('../../../', import.meta.url));
  assert.equal(
    execFileSync(process.execPath, args, { env, cwd, encoding: 'utf8', stdio: 'pipe' }),
    'false true\n',
  );
});

it('says what is allowed when it cannot open', () => {
  assert.throws(() => openStore('s3:/b/prefix'), /"s3:\/b\/prefix" lacks "\/\/".*s3:\/\//);
  assert.throws(() => openStore('gs://b'), /unknown scheme "gs".*file:\/\/.*s3:\/\//);
  const bad = [
    's3://',
    's3:///a',
    's3://Bucket/a',
    's3://a',
    's3://bucket//a',
    's3://bucket/a/../b',
    's3://bucket/a\n',
  ];
  for (const uri of ['', 'memory://', 'http://x/y', 'file://host/share', 'gs://b', 'a\0b', ...bad]) {
    assert.throws(() => openStore(uri), InvalidInputError, JSON.stringify(uri));
  }
});

it('counts the prefix when it says that a key is too long for S3', async () => {
  const store = openStore(`s3://bucket/${'p'.repeat(200)}`);
  const key = ['x', 'x', 'x', 'é'].map((letter) => letter.repeat(250 / Buffer.byteLength(letter))).join('/');
  assert.ok(Buffer.byteLength(key) < 1024);
  await assert.rejects(store.put(key, text('x')), /1204 bytes long below the prefix .* allows 1024/);
  await assert.rejects(store.get(key), InvalidInputError);
});
