import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ulid } from 'ulid';
import { isUlid } from '../../core/ulid.ts';

it('takes what the library for ULIDs writes, and nothing else', () => {
  assert.ok(isUlid(ulid()));
  assert.ok(isUlid(ulid(0)));
  assert.ok(isUlid(ulid(2 ** 48 - 1)));
  for (const bad of [
    '',
    'latest',
    '../x',
    ulid().toLowerCase(),
    `${ulid()}0`,
    `8${ulid().slice(1)}`,
    `${ulid()}\n`,
  ]) {
    assert.ok(!isUlid(bad), bad);
  }
});
