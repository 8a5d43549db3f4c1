import assert from 'node:assert/strict';
import { it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import { checkName, parseReference } from '../../../core/registry/names.ts';

it('parses references', () => {
  assert.deepEqual(parseReference('cats'), { model: 'cats', alias: 'production' });
  assert.deepEqual(parseReference('cats@staging'), { model: 'cats', alias: 'staging' });
  assert.deepEqual(parseReference('0.a_b-c@12'), { model: '0.a_b-c', version: 12 });
  for (const bad of [
    '',
    '@',
    'cats@',
    '@1',
    'cats@0',
    'cats@1@2',
    'cats@A',
    'Cats',
    'a/b',
    '../x',
    'cats@99999999999999999',
  ]) {
    assert.throws(() => parseReference(bad), InvalidInputError, bad);
  }
});

it('proposes a name that is allowed', () => {
  for (const [name, proposed] of [
    ['Katzen & Hunde', 'katzen-hunde'],
    ['Été 2024!', 'ete-2024'],
    ['_x', 'x'],
    ['猫', 'my-model'],
    ['y'.repeat(80), 'y'.repeat(63)],
  ] as const) {
    assert.throws(() => checkName(name, 'model'), { message: new RegExp(`such as "${proposed}"`) });
    checkName(proposed, 'model');
  }
});
