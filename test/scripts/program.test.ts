import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { compiledProgram, PROGRAMS, RECORD } from '../../scripts/setup/compiled.mjs';
import { ensureProgram } from '../../scripts/setup/program.mjs';
import { root, runNode, temporaryFolder } from './support.ts';

/** A checkout with the packages of this one. */
function checkout(t: TestContext): string {
  const folder = path.join(temporaryFolder(t), 'a checkout #1');
  for (const name of ['bin', 'cli', 'core', 'functions', 'scripts', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** What `kindred --help` says of what it is, by the program that is used as things are. */
async function help(folder: string): Promise<string> {
  const { status, output } = await runNode(['bin/kindred.mjs', '--help'], {}, folder);
  assert.equal(status, 0, output);
  return output;
}

function edit(folder: string, name: string, from: string, to: string): void {
  const file = path.join(folder, name);
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from));
  writeFileSync(file, text.replace(from, to));
}

test('The command line is compiled once; what is edited counts at once, and is compiled by the next set-up', async (t) => {
  const folder = checkout(t);
  assert.equal(compiledProgram(folder), undefined);
  const before = await help(folder);
  await ensureProgram(folder);

  const program = compiledProgram(folder);
  assert.ok(program !== undefined);
  assert.equal(await help(folder), before);
  const written = readFileSync(path.join(folder, RECORD), 'utf8');
  await ensureProgram(folder);
  assert.equal(readFileSync(path.join(folder, RECORD), 'utf8'), written);

  edit(folder, 'cli/program.ts', 'from a handful of examples', 'from two examples');
  assert.equal(compiledProgram(folder), undefined);
  assert.match(await help(folder), /from two examples/);

  await ensureProgram(folder);
  assert.notEqual(compiledProgram(folder), program);
  assert.match(await help(folder), /from two examples/);
  assert.ok(existsSync(program), 'servers that run may load more of the older one');
});

test('A compiled program finds what lies beside the sources, also when the checkout was moved', async (t) => {
  const before = checkout(t);
  await ensureProgram(before);
  const folder = `${before} moved`;
  renameSync(before, folder);
  assert.ok(compiledProgram(folder) !== undefined);

  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  const { output } = await runNode(['bin/kindred.mjs', '--version'], {}, folder);

  assert.equal(output, `${version}\n`);
});

test('A compiled program of which a file is missing, or a source, is not used, and made again', async (t) => {
  const folder = checkout(t);
  await ensureProgram(folder);
  const program = compiledProgram(folder);
  assert.ok(program !== undefined);
  const chunk = readdirSync(path.dirname(program)).find((name) => name.startsWith('chunk-')) ?? '';

  rmSync(path.join(path.dirname(program), chunk));
  assert.equal(compiledProgram(folder), undefined);
  await help(folder);
  await ensureProgram(folder);
  assert.equal(compiledProgram(folder), program);

  writeFileSync(path.join(folder, RECORD), '{');
  assert.equal(compiledProgram(folder), undefined);
  await ensureProgram(folder);
  assert.equal(compiledProgram(folder), program);
  assert.deepEqual(
    readdirSync(path.join(folder, PROGRAMS)).toSorted(),
    [path.basename(path.dirname(program)), path.basename(RECORD)].toSorted(),
  );
});

test('What is edited while it is compiled counts', async (t) => {
  const folder = checkout(t);

  const compiling = ensureProgram(folder);
  edit(folder, 'cli/program.ts', 'from a handful of examples', 'from two examples');
  await compiling;

  assert.match(await help(folder), /from two examples/);
});

test('Other packages than those that are compiled in are not passed over', async (t) => {
  const folder = checkout(t);
  const modules = path.join(folder, 'node_modules');
  rmSync(modules);
  mkdirSync(modules);
  for (const name of readdirSync(path.join(root, 'node_modules'))) {
    const [from, to] = [path.join(root, 'node_modules', name), path.join(modules, name)];
    if (name === '.package-lock.json') cpSync(from, to);
    else symlinkSync(from, to);
  }
  await ensureProgram(folder);
  assert.ok(compiledProgram(folder) !== undefined);

  edit(folder, 'node_modules/.package-lock.json', '"packages"', ' "packages"');

  assert.equal(compiledProgram(folder), undefined);
});
