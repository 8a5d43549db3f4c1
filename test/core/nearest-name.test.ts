import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nearestName } from '../../core/nearest-name.ts';

it('finds the nearest name, whatever its case and the form of its Unicode', () => {
  assert.equal(nearestName('Staging', ['production', 'staging']), 'staging');
  assert.equal(nearestName('Ope\u0301ra', ['palat', 'op\u00e9ra']), 'op\u00e9ra');
  assert.equal(nearestName('galery.arrow', ['gallery.arrow', 'golden.arrow']), 'gallery.arrow');
});

it('finds none where too much differs', () => {
  assert.equal(nearestName('ab', ['xy']), null);
  assert.equal(nearestName('zebra', ['cats', 'dogs']), null);
  assert.equal(nearestName('anything', []), null);
});
