/** What holds wherever tokens are kept. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createToken, listTokens, revokeToken, tokenHolds } from '../../../core/registry/tokens.ts';
import type { StoredToken } from '../../../core/registry/tokens.ts';
import type { TokenStore } from '../../../core/registry/token-store.ts';

export interface Kept {
  readonly store: TokenStore;
  /** Puts something there past it, under the id of a token or any other name. */
  readonly put: (name: string, text: string) => Promise<void>;
  /** All that is there, as text. */
  readonly everything: () => Promise<string>;
}

const made = { name: 'a "test" {{é}}', createdBy: 'a test' };
const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** @param open an empty place, another one each time */
export function tokenStoreContract(open: () => Promise<Kept>): void {
  it('keeps hashes, which hold until they are revoked or expire, and for no other token', async () => {
    const { store, everything } = await open();
    const { token, stored } = await createToken(store, { ...made, scopes: ['read'] });
    const expired = { ...made, scopes: ['admin'], expiresAt: new Date(1000) } as const;
    const { stored: other } = await createToken(store, expired);

    assert.deepEqual(await listTokens(store), [stored, other]);
    assert.doesNotMatch(await everything(), new RegExp(token.split('_').at(-1) ?? 'x'));
    assert.deepEqual(
      [tokenHolds(token, stored), tokenHolds(`${token}x`, stored), tokenHolds(token, other)],
      [true, false, false],
    );
    assert.deepEqual(await revokeToken(store, stored.id), stored);
    assert.deepEqual(await listTokens(store), [other]);
    await assert.rejects(revokeToken(store, stored.id), { name: 'NotFoundError' });
    await assert.rejects(revokeToken(store, '../models'), { name: 'NotFoundError' });
  });

  it('leaves what is there under an id, and takes what is not there as deleted', async () => {
    const { store } = await open();
    const { stored } = await createToken(store, { ...made, scopes: ['read'] });
    const other = new TextEncoder().encode(JSON.stringify({ ...stored, name: 'another' }));

    await assert.rejects(store.create(stored.id, other), { name: 'ConflictError' });
    assert.deepEqual(await listTokens(store), [stored]);
    assert.equal(await store.get(ID), null);
    await store.delete(ID);
    await store.delete(stored.id);
    assert.deepEqual(await store.list(assert.fail), []);
  });

  it('lists more tokens than come at once, oldest first', async () => {
    const { store } = await open();
    const all: StoredToken[] = [];
    for (let i = 0; i < 23; i++) all.push((await createToken(store, { ...made, scopes: ['read'] })).stored);

    assert.deepEqual(
      (await listTokens(store)).map(({ id }) => id),
      all.map(({ id }) => id).toSorted(),
    );
  });

  it('leaves out what is damaged, and tells of it without a hash', async () => {
    const { store, put } = await open();
    const { stored } = await createToken(store, { ...made, scopes: ['read'] });
    const whole = JSON.stringify(stored);
    await put(ID, `${stored.hash}{`);
    await put(ID.replace('AV', 'AW'), whole);
    await put(ID.replace('AV', 'AX'), whole.replace('"hash":"', '"hash":"!'));
    await put('no-token', whole);
    const told: string[] = [];

    const found = await listTokens(store, ({ code, message }) => told.push(`${code}: ${message}`));

    assert.deepEqual(found, [stored]);
    assert.deepEqual(
      told.map((line) => /corrupt-data: ".*(01ARZ\w+).*" is damaged: (.*?)\./.exec(line)?.slice(1)),
      [
        [ID, 'it is not JSON'],
        [ID.replace('AV', 'AW'), 'it is what is kept of another token'],
        [ID.replace('AV', 'AX'), 'it is not what is kept of a token (hash)'],
      ],
    );
    assert.doesNotMatch(told.join(), new RegExp(stored.hash.slice(0, 8)));
    await assert.rejects(listTokens(store), { name: 'CorruptDataError' });
    await assert.rejects(revokeToken(store, ID), { name: 'CorruptDataError' });
  });

  it('keeps no token without a scope, or with a name that cannot be shown', async () => {
    const { store } = await open();

    await assert.rejects(createToken(store, { ...made, scopes: [] }), { name: 'InvalidInputError' });
    await assert.rejects(createToken(store, { ...made, name: 'a\nb', scopes: ['read'] }), {
      name: 'InvalidInputError',
    });
    assert.deepEqual(await listTokens(store), []);
  });
}
