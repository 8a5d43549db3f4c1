import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, ConflictError } from '../../../core/errors.ts';
import { TOLERANCE } from '../../../core/promotion/gate.ts';
import { promote } from '../../../core/promotion/promote.ts';
import type { Promotion, PromotionRequest } from '../../../core/promotion/promote.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { renameClass } from '../../../core/gallery/operations.ts';
import { openGallery, openNames } from '../../../core/registry/open-version.ts';
import type { OpenedGallery } from '../../../core/registry/open-version.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { embedGallery, readVersionGallery } from '../../../core/registry/version-gallery.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import {
  add,
  COLOUR_BLIND,
  embedWith,
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
  readonly tolerance?: number;
}

async function toProduction(registry: Registry, version: number, changes: Changes = {}): Promise<Promotion> {
  const { test = [], force = false, tolerance = TOLERANCE, ...others } = changes;
  const gate = { pictures: () => Promise.resolve(test), tolerance };
  const usual = { model: 'colours', alias: 'production', by: 'a test', why: 'to see' };
  return promote(registry, { ...usual, version, gate, force, ...others }, talk);
}

/** Keys of a version's gallery for which it has embeddings already: nothing is embedded to tell. */
async function keysOf(registry: Registry, version: number): Promise<readonly string[]> {
  const gallery = await readVersionGallery(registry, { model: 'colours', version });
  return (await embedGallery(registry, 'colours', gallery, null)).gallery.keys;
}

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

  it('embeds what was added with the network of the new version, compares, and only then moves the alias', async () => {
    const store = memoryStore();
    const registry = openRegistry(store);
    await versions(registry, SHARP, OTHER);
    await add(registry, 1, await pictures(['blue'], 0, 2));
    const order: string[] = [];
    const watched = openRegistry(
      intercepted(store, async (operation, key) => {
        if (operation === 'put') order.push(key.split('/')[2] ?? '');
      }),
    );

    const { gate, embedded, missing } = await toProduction(watched, 2, {
      test: await pictures([...CLASSES, 'blue'], 5, 9),
    });

    assert.deepEqual([embedded, missing], [2, []]);
    assert.deepEqual(order, ['embeddings', 'aliases']);
    assert.equal(gate?.comparison?.accuracy, 1);
    const all = await pictures([...CLASSES, 'blue'], 0, 2);
    const expected = await embedWith(registry, 2, all);
    assert.deepEqual(
      new Map(await rowsOfVersion(registry, 2)),
      new Map(all.map(({ key }, row) => [key, [...expected.embeddings.subarray(row * 3, row * 3 + 3)]])),
    );
    assert.equal((await toProduction(watched, 2)).embedded, 0);
  });

  it('counts a test image as right under the name that its class was given since', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    const { contents } = await openNames(registry, await registry.resolve('colours'));
    await registry.append('colours', contents.changes, renameClass(contents, 'red', 'crimson'), 'a test');

    const { gate } = await toProduction(registry, 2, { test: await pictures(CLASSES, 5, 9) });

    assert.deepEqual([gate?.comparison?.accuracy, gate?.comparison?.accuracyBefore], [1, 1]);
  });

  it('is refused where the version would answer without an image, unless forced', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER, [2, 1, 1]);
    await add(registry, 1, [await picture('blue', 0)], []);

    const refused = await toProduction(registry, 2);
    assert.deepEqual([refused.promoted, refused.version, refused.gate?.outcome], [false, 1, 'blocked']);
    assert.match(refused.gate?.reason ?? '', /"blue\/0\.png"/);
    assert.deepEqual(await historyOf(registry), [1]);
    const forced = await toProduction(registry, 2, { force: true });

    assert.equal(forced.promoted, true);
    assert.deepEqual(
      forced.missing.map(({ image }) => image.key),
      ['blue/0.png'],
    );
    assert.equal((await keysOf(registry, 2)).length, 6);
    assert.match((await registry.alias('colours', 'production'))?.history.at(-1)?.why ?? '', /blue\/0\.png/);
    // The version in production answers without the image by now, so nothing more is lost.
    assert.equal((await toProduction(registry, 3)).promoted, true);
  });

  it('leaves the alias where it is when it is stopped, and is done by doing it again', async () => {
    const registry = openRegistry(memoryStore());
    await versions(registry, SHARP, OTHER);
    await add(registry, 1, await pictures(['blue'], 0, 2));
    const request = { model: 'colours', alias: 'production', version: 2, by: 'x', why: '' };
    const stopped = { report: () => undefined, signal: AbortSignal.abort() };

    await assert.rejects(
      promote(registry, { ...request, gate: null, force: false }, stopped),
      CancelledError,
    );
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

describe('a change of the gallery', () => {
  it('is in the gallery of every version, made at whatever moment of a promotion or a rollback', async () => {
    for (const moment of [/get .*aliases/, /get .*gallery.arrow/, /put .*embeddings/, /put .*aliases/]) {
      const store = memoryStore();
      const registry = openRegistry(store);
      await versions(registry, SHARP, OTHER);
      await add(registry, 1, await pictures(['blue'], 0, 1));
      let changes = 1;
      const changing = (): Registry => {
        let done = false;
        return openRegistry(
          intercepted(store, async (operation, key) => {
            if (done || !moment.test(`${operation} ${key}`)) return;
            done = true;
            await add(registry, 1, [await picture('blue', changes++)]);
          }),
        );
      };

      await toProduction(changing(), 2);
      const promoted = await openGallery(registry, { model: 'colours', version: 2, alias: null });
      await changing().rollback('colours', 'production', author);
      const back = await openGallery(registry, { model: 'colours', version: 1, alias: null });

      assert.deepEqual([promoted.missing, back.missing], [[], []], String(moment));
      const blue = ({ gallery }: OpenedGallery): number =>
        gallery.classes.filter((name) => name === 'blue').length;
      assert.ok(changes > 1, String(moment));
      assert.ok(blue(promoted) > 1, String(moment));
      assert.equal(blue(back), changes, String(moment));
    }
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
      for (const where of ['put .*embeddings/', 'put .*aliases/production']) {
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
