import assert from 'node:assert/strict';
import { it } from 'node:test';
import { InvalidInputError } from '../../../core/errors.ts';
import { checkName, parseReference } from '../../../core/registry/names.ts';
import { suggest } from '../../../core/registry/suggest.ts';

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

it('suggests only what is near, and lists no endless list', () => {
  assert.equal(suggest('cast', ['dogs', 'cats'], 'model'), ' Did you mean "cats"? There are: dogs, cats.');
  assert.equal(suggest('zebra', ['cats'], 'model'), ' There is: cats.');
  assert.equal(suggest('x', [], 'model'), ' There is no model yet.');
  assert.match(
    suggest(
      'x',
      Array.from({ length: 40 }, (_, i) => `model-${i}`),
      'model',
    ),
    /and 28 more\.$/,
  );
});
