import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConflictError, CorruptDataError, InvalidInputError, NotFoundError } from '../../../core/errors.ts';
import { liveBefore } from '../../../core/registry/aliases.ts';
import type { AliasMove } from '../../../core/registry/aliases.ts';
import { author, bytes, onEachStore } from './support.ts';

onEachStore('aliases', (test) => {
  test('point to a version and keep every move with who and why', async ({ registry, store, publish }) => {
    await publish(2);
    await registry.move('cats', 'production', 1, { by: 'ann', why: 'first' });
    const moved = await registry.move('cats', 'production', 2, { by: 'bob', why: 'better' });
    assert.equal(moved.version, 2);
    assert.deepEqual(
      moved.history.map(({ version, from, by, why }) => [version, from, by, why]),
      [
        [1, null, 'ann', 'first'],
        [2, 1, 'bob', 'better'],
      ],
    );
    for (const { at } of moved.history) assert.ok(Math.abs(Date.now() - Date.parse(at)) < 3_600_000);
    assert.deepEqual(await registry.alias('cats', 'production'), moved);
    assert.deepEqual(await registry.aliases('cats'), [moved]);
    const stored = JSON.parse(
      Buffer.from((await store.get('models/cats/aliases/production.json'))?.bytes ?? '').toString(),
    );
    assert.equal(stored.version, 2);
    assert.equal(stored.history.length, 2);
  });

  test('cannot point to what does not exist, and leave no trace of the try', async ({
    registry,
    publish,
  }) => {
    await assert.rejects(registry.move('cats', 'production', 1, author), NotFoundError);
    await publish(1);
    await assert.rejects(registry.move('cats', 'production', 2, author), /no version 2\. There is: 1/);
    assert.deepEqual(await registry.aliases('cats'), []);
    assert.equal(await registry.alias('cats', 'production'), null);
  });

  test('move only from the state that is expected', async ({ registry, publish }) => {
    await publish(3);
    const move = (version: number, expected: number | null | { revision: number }) =>
      registry.move('cats', 'a', version, { ...author, expected });
    await assert.rejects(move(1, 1), ConflictError);
    const { revision } = await move(1, null);
    await assert.rejects(move(2, null), ConflictError);
    await assert.rejects(move(2, 3), /is at 1 .*expected was 3/);
    await move(2, 1);
    await assert.rejects(move(3, { revision }), ConflictError);
    const now = await registry.alias('cats', 'a');
    const last = await move(3, { revision: now?.revision ?? -1 });
    assert.deepEqual(
      last.history.map((entry) => entry.version),
      [1, 2, 3],
    );
  });

  test('let one of 20 moves at once win when all expect the same', async ({ registry, publish }) => {
    await publish(3);
    await registry.move('cats', 'a', 1, author);
    const moves = Array.from({ length: 20 }, (_, i) =>
      registry.move('cats', 'a', 2 + (i % 2), { by: `${i}`, why: '', expected: 1 }),
    );
    const won = (await Promise.allSettled(moves)).flatMap((each, i) =>
      each.status === 'fulfilled' ? [`${i}`] : [],
    );
    assert.equal(won.length, 1);
    assert.deepEqual(
      (await registry.alias('cats', 'a'))?.history.map(({ by }) => by),
      [author.by, won[0]],
    );
  });

  test('carry out all of 20 moves at once when none expects anything', async ({ registry, publish }) => {
    await publish(2);
    const moves = Array.from({ length: 20 }, (_, i) =>
      registry.move('cats', 'a', 1 + (i % 2), { by: `${i}`, why: '' }),
    );
    await Promise.all(moves);
    const alias = await registry.alias('cats', 'a');
    const history = alias?.history ?? [];
    const numbers = history.map(({ by }) => Number(by)).toSorted((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 20 }, (_, i) => i),
    );
    assert.equal(history.at(-1)?.version, alias?.version);
    history.forEach(({ from }, i) => assert.equal(from, history[i - 1]?.version ?? null));
  });

  test('go back further with each rollback, until there is nothing before', async ({ registry, publish }) => {
    await publish(4);
    for (const version of [1, 2, 3]) await registry.move('cats', 'a', version, author);
    assert.equal((await registry.rollback('cats', 'a', author)).version, 2);
    await registry.move('cats', 'a', 4, author);
    assert.equal((await registry.rollback('cats', 'a', author)).version, 2);
    const last = await registry.rollback('cats', 'a', author);
    assert.deepEqual(
      last.history.map(({ version, rollback }) => (rollback ? -version : version)),
      [1, 2, 3, -2, 4, -2, -1],
    );
    await assert.rejects(registry.rollback('cats', 'a', author), /nothing to go back to/);
    await assert.rejects(registry.rollback('cats', 'b', author), /Did you mean|There is: a/);
    assert.equal((await registry.alias('cats', 'a'))?.version, 1);
  });

  test('pass over deleted versions when rolled back', async ({ registry, publish }) => {
    await publish(3);
    for (const version of [1, 2, 3]) await registry.move('cats', 'a', version, author);
    await registry.delete('cats', 2, author);
    assert.equal((await registry.rollback('cats', 'a', author)).version, 1);
  });

  test('are rolled back once by several at once', async ({ registry, publish }) => {
    await publish(5);
    for (const version of [1, 2, 3, 4, 5]) await registry.move('cats', 'a', version, author);
    const tries = Array.from({ length: 10 }, () =>
      registry.rollback('cats', 'a', { ...author, expected: 5 }),
    );
    const outcomes = await Promise.allSettled(tries);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await registry.alias('cats', 'a'))?.version, 4);
  });

  test('refuse names and notes that are not allowed', async ({ registry, publish }) => {
    await publish(1);
    for (const alias of ['', '1', '12', 'A', 'a/b', '..', 'x'.repeat(64), 'é']) {
      await assert.rejects(registry.move('cats', alias, 1, author), InvalidInputError, alias);
    }
    await assert.rejects(registry.move('cats', 'a', 1, { by: ' ', why: '' }), InvalidInputError);
    await assert.rejects(
      registry.move('cats', 'a', 1, { by: 'x', why: 'y'.repeat(5000) }),
      InvalidInputError,
    );
    await assert.rejects(registry.move('cats', 'a', 0, author), InvalidInputError);
    await assert.rejects(
      registry.move('cats', 'a', 1, { ...author, expected: Number.NaN }),
      InvalidInputError,
    );
  });

  test('name the damaged document', async ({ registry, store, publish }) => {
    await publish(1);
    await store.put('models/cats/aliases/production.json', bytes('{"version":"1"}'));
    await assert.rejects(registry.resolve('cats'), (error: unknown) => {
      return error instanceof CorruptDataError && /aliases\/production\.json/.test(error.message);
    });
  });

  test('are read when only version and history were written', async ({ registry, store, publish }) => {
    await publish(2);
    await store.put('models/cats/aliases/a.json', bytes('{"version":1,"history":[]}'));
    assert.equal((await registry.move('cats', 'a', 2, author)).history[0]?.from, 1);
  });
});

it('works out the way back as a pile of promotions', () => {
  const cases: [number[], number[]][] = [
    [[], []],
    [[1], []],
    [
      [1, 2, 3],
      [2, 1],
    ],
    [
      [1, 2, 2, 3],
      [2, 1],
    ],
    [[1, 2, 3, -2], [1]],
    [
      [1, 2, 3, -2, 4],
      [2, 1],
    ],
    [[1, 2, 1], [2]],
    [[1, 2, 1, -2], [1]],
    [[1, 2, 3, -1, 4, -1], []],
  ];
  for (const [moves, expected] of cases) {
    const history = moves.map((move): AliasMove => {
      const entry = { version: Math.abs(move), from: null, at: '', by: '', why: '' };
      return move < 0 ? { ...entry, rollback: true } : entry;
    });
    assert.deepEqual(liveBefore(history), expected, String(moves));
  }
});
