import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../scripts/setup/options.mjs';

test('A flag counts before the variable, and without both the variant is left open', () => {
  assert.equal(parseOptions(['--cpu'], { KINDRED_TENSORFLOW: 'gpu' }).variant, 'cpu');
  assert.equal(parseOptions([], { KINDRED_TENSORFLOW: 'gpu' }).variant, 'gpu');
  assert.equal(parseOptions([], {}).variant, undefined);
});

test('What is not known is refused with what is allowed', () => {
  assert.throws(() => parseOptions(['--tpu'], {}), /"--tpu".*--gpu, --cpu/);
  assert.throws(() => parseOptions(['--gpu', '--cpu'], {}), /not both/);
  assert.throws(() => parseOptions([], { KINDRED_TENSORFLOW: 'tpu' }), /"tpu"; allowed are "cpu" and "gpu"/);
});
