import assert from 'node:assert/strict';
import { it } from 'node:test';
import { suggest } from '../../core/suggest.ts';

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

it('puts names in quotes that could not be told apart without', () => {
  assert.equal(
    suggest('zebra', ['rochie, lungă', 'a b', 'c'], 'class'),
    ' There are: "rochie, lungă", "a b", c.',
  );
});
