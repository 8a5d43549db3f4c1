import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { dependenciesAreThere } from '../../scripts/setup/dependencies.mjs';
import { temporaryFolder, writeFiles } from './support.ts';

const LOCKED = {
  '': { version: '1.0.0' },
  'node_modules/a': { version: '1.2.3', integrity: 'sha512-a' },
  'node_modules/b': { version: '4.5.6', integrity: 'sha512-b', optional: true },
};

function check(t: TestContext, installed: unknown): boolean {
  const root = temporaryFolder(t);
  writeFiles(root, { 'package-lock.json': JSON.stringify({ packages: LOCKED }) });
  if (installed) {
    const text = typeof installed === 'string' ? installed : JSON.stringify({ packages: installed });
    writeFiles(root, { 'node_modules/.package-lock.json': text });
  }
  return dependenciesAreThere(root);
}

test('Packages are there when npm noted each of them, optional ones aside', (t) => {
  const { 'node_modules/a': a, 'node_modules/b': b } = LOCKED;

  assert.equal(check(t, { 'node_modules/a': a, 'node_modules/b': b }), true);
  assert.equal(check(t, { 'node_modules/a': a }), true);
});

test('Packages are missing when npm noted nothing, something else, or half', (t) => {
  const { 'node_modules/a': a, 'node_modules/b': b } = LOCKED;

  assert.equal(check(t, undefined), false);
  assert.equal(check(t, '{"packages":'), false);
  assert.equal(check(t, { 'node_modules/b': b }), false);
  assert.equal(check(t, { 'node_modules/a': { ...a, version: '1.2.4' } }), false);
  assert.equal(check(t, { 'node_modules/a': { ...a, integrity: 'sha512-other' } }), false);
});
