import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { dependenciesAreThere } from '../../scripts/setup/dependencies.mjs';
import { temporaryFolder, writeFiles } from './support.ts';

const LOCKED = {
  '': { version: '1.0.0' },
  'node_modules/a': { version: '1.2.3', integrity: 'sha512-a' },
  'node_modules/b': { version: '4.5.6', integrity: 'sha512-b', optional: true },
};
const WITH_TOOL = { ...LOCKED, 'node_modules/tool': { version: '7.8.9', integrity: 'sha512-t', dev: true } };

function check(t: TestContext, installed: unknown, forUseOnly = false, locked: object = LOCKED): boolean {
  const root = temporaryFolder(t);
  writeFiles(root, { 'package-lock.json': JSON.stringify({ packages: locked }) });
  if (installed) {
    const text = typeof installed === 'string' ? installed : JSON.stringify({ packages: installed });
    writeFiles(root, { 'node_modules/.package-lock.json': text });
  }
  return dependenciesAreThere(root, forUseOnly);
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

test('Packages for development may be missing only where they are not wanted', (t) => {
  const { 'node_modules/a': a } = LOCKED;

  assert.equal(check(t, { 'node_modules/a': a }, false, WITH_TOOL), false);
  assert.equal(check(t, { 'node_modules/a': a }, true, WITH_TOOL), true);
  assert.equal(check(t, {}, true, WITH_TOOL), false);
});
