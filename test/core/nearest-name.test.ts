import assert from 'node:assert/strict';
import { it } from 'node:test';
import { editDistance, nearestName } from '../../core/nearest-name.ts';

it('measures edits as a naive recursion does', () => {
  const naive = (a: string, b: string): number => {
    if (a === '' || b === '') return a.length + b.length;
    const rest = naive(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1);
    return Math.min(rest, naive(a.slice(1), b) + 1, naive(a, b.slice(1)) + 1);
  };
  for (const [a, b] of [
    ['kitten', 'sitting'],
    ['', 'abc'],
    ['cats', 'cast'],
    ['same', 'same'],
    ['abc', 'cab'],
  ] as const) {
    assert.equal(editDistance(a, b), naive(a, b), `${a} ${b}`);
  }
});

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
