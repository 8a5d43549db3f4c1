import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { name } from '../../../../core/training/report/layout.ts';

describe('a name', () => {
  it('stands apart from its surroundings, and cannot turn their direction', () => {
    assert.equal(String(name('\u202egpj.exe')), '<bdi>\ufffdgpj.exe</bdi>');
    assert.equal(String(name('<b>')), '<bdi>&#60;b&#62;</bdi>');
  });

  it('is shortened in its middle where it is very long', () => {
    const shown = String(name(`begin${'x'.repeat(300)}end`));

    assert.match(shown, /^<bdi>beginx+…x+end<\/bdi>$/);
    assert.equal(shown.length, '<bdi></bdi>'.length + 80);
  });
});
