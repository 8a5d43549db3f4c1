import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { compiledProgram } from '../../scripts/setup/compiled.mjs';
import { reportText } from '../../cli/doctor/print.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { openStore } from '../../core/storage/open.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import { registry } from '../../cli/doctor/registry.ts';
import { reportOf, type DoctorReport, type Section } from '../../cli/doctor/report.ts';
import { root, runNode, temporaryFolder } from '../scripts/support.ts';

const PROGRAM = `
import { doctorCommand } from './cli/commands/doctor.ts';
await doctorCommand().parseAsync();`;

function doctor(args: readonly string[], environment: NodeJS.ProcessEnv): ReturnType<typeof runNode> {
  return runNode(['--import', 'tsx', '--input-type=module', '-e', PROGRAM, '--', ...args], environment);
}

test('On a machine that is set up the doctor finds nothing broken, and its JSON says what is there', async (t) => {
  const { status, output } = await doctor(['--json'], { KINDRED_REGISTRY: temporaryFolder(t) });

  const report = JSON.parse(output) as DoctorReport;
  assert.equal(status, 0);
  assert.equal(report.ok, true);
  const facts = Object.assign({}, ...report.sections.map((section) => section.facts)) as Section['facts'];
  assert.equal(facts['node'], process.versions.node);
  assert.equal(facts['command line'], compiledProgram(root) === undefined ? 'from its sources' : 'compiled');
  assert.ok(typeof facts['tensorflow'] === 'string' && facts['tensorflow'].startsWith('2.'));
  assert.ok(typeof facts['onnx runtime'] === 'string' && facts['onnx runtime'].startsWith('1.'));
  assert.equal(facts['state'], 'can be read and written');
});

test('Missing weights and a useless registry are named, with what to do, and the exit status is 1', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, 'file'), '');

  const { status, output } = await doctor(['--registry', path.join(folder, 'file')], {
    KINDRED_CACHE: path.join(folder, 'cache'),
  });

  assert.equal(status, 1);
  assert.match(output, /broken: pretrained weights: it is not there[^]*npm run setup/);
  assert.match(output, /broken: The registry .*file cannot be used[^]*--registry/);
});

const open = async (uri: string): Promise<ObjectStore> => openStore(uri);

test('A store that ignores the conditions of writes is no registry', async () => {
  const careless = (uri: string): ObjectStore => {
    const store = memoryStore(uri);
    return { ...store, put: (key, source) => store.put(key, source) };
  };

  const { problems } = await registry('memory://careless', async (uri) => careless(uri));

  assert.match(problems[0]?.what ?? '', /ignores the conditions of writes/);
  const { problems: none } = await registry('memory://careful', async (uri) => memoryStore(uri));
  assert.deepEqual(none, []);
});

test('Looking at a registry leaves nothing in it and makes no folder', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'there'));

  const there = await registry(path.join(folder, 'there'), open);
  const absent = await registry(path.join(folder, 'absent', 'deep'), open);

  assert.deepEqual([...there.problems, ...absent.problems], []);
  assert.deepEqual(
    readdirSync(path.join(folder, 'there')).filter((name) => name.startsWith('doctor')),
    [],
  );
  assert.equal(existsSync(path.join(folder, 'absent')), false);
});

test('The text names what is broken before what is only worth knowing', () => {
  const problems = [
    { needed: false, what: 'a notice', advice: 'look' },
    { needed: true, what: 'a fault', advice: 'act' },
  ];

  const report = reportOf([{ title: 'T', facts: { a: null, b: ['x', 'y'], c: true }, problems }]);

  assert.equal(report.ok, false);
  assert.match(
    reportText(report),
    /a {2}not found\n {2}b {2}x y\n {2}c {2}yes[^]*broken: a fault\n.*act\n.*notice: a notice/,
  );
});

test('An address that is none is a problem of the registry like any other', async () => {
  for (const uri of ['file://elsewhere/registry', 's3://No/prefix', 'ftp://x']) {
    const { problems } = await registry(uri, open);

    assert.equal(problems.length, 1, uri);
    assert.ok(problems[0]?.what.includes(uri), problems[0]?.what);
  }
});
