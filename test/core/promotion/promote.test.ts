import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, ConflictError } from '../../../core/errors.ts';
import { followAlias } from '../../../core/promotion/follow-alias.ts';
import { TOLERANCE } from '../../../core/promotion/gate.ts';
import { promote } from '../../../core/promotion/promote.ts';
import type { Promotion, PromotionRequest } from '../../../core/promotion/promote.ts';
import { rollback } from '../../../core/promotion/rollback.ts';
import type { Rollback } from '../../../core/promotion/rollback.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import {
  add,
  COLOUR_BLIND,
  OTHER,
  picture,
  pictures,
  publishColours,
  rowsOfVersion,
  SHARP,
} from '../registry/colours.ts';
import { author, intercepted, withFolder } from '../registry/support.ts';
import { race, start } from '../storage/programs.ts';

const CLASSES = ['red', 'green', 'yellow'];
const program = (name: string): URL => new URL(`programs/${name}.ts`, import.meta.url);
const talk = { report: () => undefined, signal: undefined };

interface Changes extends Partial<Omit<PromotionRequest, 'gate'>> {
  readonly test?: readonly Picture[] | null;
  readonly force?: boolean;
  readonly tolerance?: number;
}

async function toProduction(registry: Registry, version: number, changes: Changes = {}): Promise<Promotion> {
  const { test = [], force = false, tolerance = TOLERANCE, ...others } = changes;
  const gate = { pictures: () => Promise.resolve(test), force, tolerance };
  const usual = {
    model: 'colours',
    alias: 'production',
    additions: 'carry',
    by: 'a test',
    why: 'to see',
  } as const;
  return promote(registry, { ...usual, version, gate, ...others }, talk);
}

async function back(registry: Registry, carry = true): Promise<Rollback> {
  return rollback(registry, { model: 'colours', alias: 'production', by: 'a test', why: '', carry }, talk);
}

const keysOf = async (registry: Registry, version: number): Promise<string[]> =>
  (await rowsOfVersion(registry, version)).map(([key]) => key);

const historyOf = async (registry: Registry): Promise<number[]> =>
  ((await registry.alias('colours', 'production'))?.history ?? []).map(({ version }) => version);

/** Versions 1, 2 ... of the same pictures that see as told; 1 is in production. */
async function versions(registry: Registry, ...sees: readonly (typeof SHARP)[]): Promise<void> {
  for (const each of sees) await publishColours(registry, each, await pictures(CLASSES, 0, 2));
  await toProduction(registry, 1);
}

describe('promoting a version', () => {
  it('needs no comparison where nothing is in production', async () => {
    const registry = openRegistry(memoryStore());
    await publishColours(registry, SHARP, await pictures(CLASSES, 0, 2));

    const { promoted, from, gate } = await toProduction(registry, 1);

    assert.deepEqual([promoted, from, gate], [true, null, null]);
  });

  it('lets a version go live that is not worse, and keeps the comparison in the history', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, COLOUR_BLIND, SHARP);

    const { promoted, gate } = await toProduction(registry, 2, { test: await pictures(CLASSES, 5, 9) });

    assert.equal(promoted, true);
    assert.equal(gate?.outcome, 'passed');
    // Who is blind to red and green takes all three for one: it has one in three right.
    assert.deepEqual(
      [gate?.comparison?.images, gate?.comparison?.accuracy, gate?.comparison?.accuracyBefore],
      [12, 1, 4 / 12],
    );
    const last = (await registry.alias('colours', 'production'))?.history.at(-1);
    assert.match(
      last?.why ?? '',
      /^to see; not worse: 100\.0 % of 12 pictures right, version 1 33\.3 % \(difference \+66\.7/,
    );
  });

  it('does not let a worse version go live, unless forced', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, COLOUR_BLIND);
    const test = await pictures(CLASSES, 5, 9);

    const refused = await toProduction(registry, 2, { test });
    assert.deepEqual([refused.promoted, refused.version, refused.gate?.outcome], [false, 1, 'worse']);
    assert.deepEqual(await historyOf(registry), [1]);
    const forced = await toProduction(registry, 2, { test, force: true });

    assert.deepEqual([forced.promoted, forced.gate?.outcome, forced.gate?.forced], [true, 'worse', true]);
    assert.deepEqual(await historyOf(registry), [1, 2]);
    const last = (await registry.alias('colours', 'production'))?.history.at(-1);
    assert.match(last?.why ?? '', /forced though worse: 33\.3 % of 12/);
  });

  it('asks only pictures that neither version was trained on, and says so when none is left', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, COLOUR_BLIND);
    const trained = await pictures(CLASSES, 0, 2);

    const { promoted, gate } = await toProduction(registry, 2, { test: trained });

    assert.deepEqual([promoted, gate?.outcome], [true, 'not-compared']);
    assert.match(
      gate?.reason ?? '',
      /version 1: no picture is left .* of 6, one of the two was trained on 6$/,
    );
    const third = await publishColours(registry, SHARP, await pictures(CLASSES, 0, 2));
    assert.match(
      (await toProduction(registry, third.version, { test: null })).gate?.reason ?? '',
      /not to be found/,
    );
  });

  it('goes on where the version in production cannot answer', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await versions(registry, SHARP, OTHER);
    await store.delete('models/colours/versions/1/embedding.onnx');

    const { promoted, gate } = await toProduction(registry, 2, { test: await pictures(CLASSES, 5, 9) });

    assert.deepEqual([promoted, gate?.outcome], [true, 'not-compared']);
    assert.match(gate?.reason ?? '', /embedding\.onnx" is missing/);
  });

  it('carries over what was added before it compares, and only then moves the alias', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await versions(registry, SHARP, OTHER);
    await add(registry, 1, await pictures(['blue'], 0, 2));
    const order: string[] = [];
    const watched = openRegistry(
      intercepted(store, async (operation, key) => {
        if (operation === 'put' && /versions\/2\/gallery|aliases/.test(key))
          order.push(key.split('/')[2] ?? '');
      }),
    );

    const { gate, carried } = await toProduction(watched, 2, {
      test: await pictures([...CLASSES, 'blue'], 5, 9),
    });

    assert.deepEqual([carried.changes, carried.embedded], [1, 2]);
    assert.deepEqual(order, ['versions', 'aliases']);
    assert.equal(gate?.comparison?.accuracy, 1);
    assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
  });

  it('does not move the alias when an addition would be lost, unless that is wanted', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    await add(registry, 1, [await picture('blue', 0)], []);

    const refused = await toProduction(registry, 2);
    assert.deepEqual([refused.promoted, refused.gate?.outcome], [false, 'blocked']);
    assert.match(
      refused.gate?.reason ?? '',
      /1 picture that was added to version 1 .*"blue\/0\.png" \(the picture was not kept/,
    );
    const done = await toProduction(registry, 2, { additions: 'drop' });

    assert.equal(done.promoted, true);
    assert.equal(done.carried.missing.length, 1);
    assert.equal((await keysOf(registry, 2)).length, 6);
  });

  it('keeps the alias where it is when it is stopped, and goes on from there', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    await add(registry, 1, await pictures(['blue'], 0, 2));
    const request = {
      model: 'colours',
      alias: 'production',
      version: 2,
      by: 'x',
      why: '',
      gate: null,
    } as const;
    const stopped = { report: () => undefined, signal: AbortSignal.abort() };

    await assert.rejects(promote(registry, { ...request, additions: 'carry' }, stopped), CancelledError);
    assert.deepEqual(await historyOf(registry), [1]);
    await toProduction(registry, 2);

    assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
  });

  it('goes on when a deletion touches the alias, and stops when somebody moves it', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await versions(registry, SHARP, OTHER, [2, 1, 1], [3, 1, 1]);
    const meanwhile = (work: () => Promise<unknown>): Registry => {
      let done = false;
      return openRegistry(
        intercepted(store, async (operation, key) => {
          if (done || operation !== 'put' || !key.includes('aliases')) return;
          done = true;
          await work();
        }),
      );
    };

    await toProduction(
      meanwhile(() => registry.delete('colours', 4, author)),
      2,
    );
    assert.deepEqual(await historyOf(registry), [1, 2]);
    const moved = meanwhile(() => registry.move('colours', 'production', 1, author));
    await assert.rejects(toProduction(moved, 3), ConflictError);

    assert.deepEqual(await historyOf(registry), [1, 2, 1]);
    await assert.rejects(toProduction(registry, 3, { expected: 2 }), /is at 1, expected was 2/);
  });
});

describe('an addition while another version goes live', () => {
  /** A registry in which something happens once, before the first operation that fits. */
  function before(registry: Registry, moment: RegExp, work: () => Promise<unknown>): Registry {
    let done = false;
    return openRegistry(
      intercepted(registry.store, async (operation, key) => {
        if (done || !moment.test(`${operation} ${key}`)) return;
        done = true;
        await work();
      }),
    );
  }

  it('is carried over when it comes in before the alias moves', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    const late = before(registry, /put .*aliases/, async () => add(registry, 1, [await picture('blue', 0)]));

    await toProduction(late, 2);

    assert.ok((await keysOf(registry, 2)).includes('blue/0.png'));
  });

  it('is repeated by who added it, when the alias has moved and the promoter was killed', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    const resolved = await registry.resolve('colours');
    await registry.move('colours', 'production', 2, author);
    const blue = await picture('blue', 0);
    const id = await add(registry, 1, [blue], []);

    assert.equal(await followAlias(registry, resolved, id, [blue]), 2);

    assert.ok((await keysOf(registry, 2)).includes('blue/0.png'));
    assert.equal(await followAlias(registry, resolved, id, [blue]), 2);
    assert.equal(await followAlias(registry, { ...resolved, alias: null }, id, [blue]), 1);
  });

  it('is found by promoting once more, when the promoter was killed just after the move', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    await registry.move('colours', 'production', 2, author);
    await add(registry, 1, [await picture('blue', 0)]);

    const { promoted, carried } = await toProduction(registry, 2);

    assert.deepEqual([promoted, carried.changes], [true, 1]);
    assert.deepEqual(await historyOf(registry), [1, 2]);
    assert.ok((await keysOf(registry, 2)).includes('blue/0.png'));
  });

  it('is never lost, whoever is faster: real processes', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await versions(registry, SHARP, OTHER, [2, 1, 1]);
      const adding = start(program('add'), [folder, '8']);
      assert.equal(await adding.line(), 'ready');
      adding.tell('go');

      for (const version of [2, 3]) {
        await adding.line();
        await toProduction(registry, version);
      }
      const told = await adding.finish();

      assert.equal(told.length, 6);
      const blue = (await keysOf(registry, 3)).filter((key) => key.startsWith('blue/'));
      assert.deepEqual(
        blue,
        Array.from({ length: 8 }, (_, n) => `blue/${n}.png`),
      );
    });
  });
});

describe('promotions by several processes', () => {
  it('leave one winner and a whole history', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await versions(registry, SHARP, OTHER, [2, 1, 1], [3, 1, 1]);
      await add(registry, 1, await pictures(['blue'], 0, 2));

      const outcomes = (
        await race(
          program('promote'),
          [2, 3, 4].map((version) => [folder, `${version}`]),
        )
      ).flat();

      assert.deepEqual(outcomes.toSorted(), ['conflict', 'conflict', 'promoted']);
      const winner = outcomes.indexOf('promoted') + 2;
      const history = (await registry.alias('colours', 'production'))?.history ?? [];
      assert.deepEqual(
        history.map(({ from, version, by }) => [from, version, by]),
        [
          [null, 1, 'a test'],
          [1, winner, String(winner)],
        ],
      );
      assert.deepEqual(await keysOf(registry, winner), await keysOf(registry, 1));
    });
  });

  it('of which one is killed, at whatever moment, are finished by doing it again', async () => {
    await withFolder(async (folder) => {
      const registry = openRegistry(fsStore(folder));
      await versions(registry, SHARP, OTHER);
      await add(registry, 1, await pictures(['blue'], 0, 2));
      for (const where of ['put .*carry-over/', 'put .*versions/2/gallery/', 'put .*aliases/production']) {
        const killed = start(program('promote'), [folder, '2', where]);
        assert.equal(await killed.line(), 'ready');
        killed.tell('go');
        assert.match((await killed.line()) ?? '', new RegExp(where));
        await killed.kill();
        assert.deepEqual(await historyOf(registry), [1]);
      }

      assert.deepEqual(await race(program('promote'), [[folder, '2']]), [['promoted']]);

      assert.deepEqual(await historyOf(registry), [1, 2]);
      assert.deepEqual(await keysOf(registry, 2), await keysOf(registry, 1));
    });
  });
});

describe('rolling back', () => {
  it('carries back what was added since, and only that', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    const first = await add(registry, 1, [await picture('blue', 0)]);
    await toProduction(registry, 2);
    const second = await add(registry, 2, [await picture('blue', 1)]);

    const { alias, from, carried, problem } = await back(registry);

    assert.deepEqual([alias.version, from, carried.changes, carried.embedded, problem], [1, 2, 1, 1, null]);
    assert.deepEqual(await registry.segments('colours', 1), [first, second]);
    assert.equal(alias.history.at(-1)?.rollback, true);
    assert.deepEqual((await toProduction(registry, 2)).carried.changes, 0);
  });

  it('leaves additions behind when told to', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    await toProduction(registry, 2);
    await add(registry, 2, [await picture('blue', 1)]);

    await back(registry, false);

    assert.deepEqual(await registry.segments('colours', 1), []);
  });

  it('is not held up by pictures that are gone, nor by a version that is damaged', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await versions(registry, SHARP, OTHER);
    await toProduction(registry, 2);
    await add(registry, 2, [await picture('blue', 0)], []);
    const first = await back(registry);
    assert.deepEqual([first.alias.version, first.carried.missing.length], [1, 1]);

    await toProduction(registry, 2);
    await add(registry, 2, [await picture('blue', 1)]);
    await store.delete('models/colours/versions/2/gallery.arrow');
    const second = await back(registry);

    assert.equal(second.alias.version, 1);
    assert.match(second.problem ?? '', /gallery\.arrow" is missing/);
  });

  it('says when there is nothing to go back to', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP);

    await assert.rejects(back(registry), /nothing to go back to/);
    await assert.rejects(
      rollback(registry, { model: 'colours', alias: 'other', by: 'a test', why: '', carry: true }, talk),
      /no alias "other"/,
    );
  });
});
