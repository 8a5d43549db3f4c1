import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { decodeImage } from '../../core/images/decode.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { Line } from '../../functions/http/line.ts';
import { Batcher } from '../../functions/versions/batcher.ts';
import type { WarmVersion } from '../../functions/versions/warm-version.ts';
import { WarmVersions } from '../../functions/versions/warm-versions.ts';
import {
  COLOUR_BLIND,
  OTHER,
  SHARP,
  add,
  embedWith,
  picture,
  pictures,
  publishColours,
} from '../core/registry/colours.ts';
import { author, intercepted } from '../core/registry/support.ts';

const PRODUCTION = { model: 'colours', alias: 'production' };

/** A registry with three versions, the first of them live, and a note of everything that is asked of its store. */
async function threeVersions(): Promise<{
  registry: Registry;
  asked: string[];
  hold: (key: RegExp) => () => void;
}> {
  const store = memoryStore();
  const published = openRegistry(store);
  const train = await pictures(['red', 'green', 'blue'], 0, 3);
  for (const sees of [SHARP, OTHER, COLOUR_BLIND]) await publishColours(published, sees, train);
  await published.move('colours', 'production', 1, author);
  const asked: string[] = [];
  let [held, opened] = [/^$/, Promise.resolve()];
  const registry = openRegistry(
    intercepted(store, async (operation, key) => {
      asked.push(`${operation} ${key}`);
      if (held.test(key)) await opened;
    }),
  );
  const hold = (key: RegExp): (() => void) => {
    let go = (): void => undefined;
    held = key;
    opened = new Promise((resolve) => (go = resolve));
    return go;
  };
  return { registry, asked, hold };
}

const numberOf = (warm: WarmVersion): Promise<number> => Promise.resolve(warm.name.version);

/** Waits for what happens beside the requests. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function embedded(warm: WarmVersion, n = 1): Promise<number[]> {
  const one = await picture('red', n);
  return [...(await warm.batcher.embed(await decodeImage(await one.read(), warm.embedder.preprocessing)))];
}

describe('versions that are kept warm', () => {
  it('ask no store for a request, apart from a look now and then', async () => {
    const { registry, asked } = await threeVersions();
    const versions = new WarmVersions(registry, { lookMs: 1e9 });
    await versions.ask(PRODUCTION, embedded);
    asked.length = 0;

    for (let i = 0; i < 20; i++) await versions.ask(PRODUCTION, embedded);

    assert.deepEqual(asked, []);
    await versions.close();
  });

  it('load a version once, however many ask for it at the same time', async () => {
    const { registry, asked } = await threeVersions();
    const versions = new WarmVersions(registry);

    const all = await Promise.all(Array.from({ length: 10 }, () => versions.ask(PRODUCTION, numberOf)));

    assert.deepEqual(new Set(all), new Set([1]));
    assert.equal(asked.filter((one) => one === 'get models/colours/versions/1/embedding.onnx').length, 1);
    await versions.close();
  });

  it('go on with the old version until the new one is loaded, and then take the new one', async () => {
    const { registry, hold } = await threeVersions();
    const versions = new WarmVersions(registry, { lookMs: 0, staleMs: 1e9 });
    await versions.ask(PRODUCTION, numberOf);
    const go = hold(/versions\/2\/embedding.onnx/);
    await registry.move('colours', 'production', 2, author);

    await versions.ask(PRODUCTION, numberOf);
    await until(() => versions.held === 2);
    const meanwhile = await Promise.all([1, 2, 3].map(() => versions.ask(PRODUCTION, numberOf)));
    go();
    await until(async () => (await versions.ask(PRODUCTION, numberOf)) === 2);

    assert.deepEqual(meanwhile, [1, 1, 1]);
    await versions.close();
  });

  it('let requests end on the version that they began with', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { most: 2 });
    const expected = await embedWith(registry, 1, [await picture('red', 1)]);
    let go = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (go = resolve));

    const begun = versions.ask(PRODUCTION, async (warm) => {
      await waiting;
      return embedded(warm);
    });
    await versions.ask({ model: 'colours', version: 2 }, numberOf);
    const third = versions.ask({ model: 'colours', version: 3 }, numberOf);
    const closing = versions.close();
    go();

    assert.deepEqual(await begun, [...expected.embeddings]);
    assert.equal(await third, 3);
    await closing;
    await versions.close();
    assert.equal(versions.held, 0);
  });

  it('are never more in memory than they may be, and leave what was not asked for longest', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { most: 2 });
    let most = 0;

    for (const version of [1, 2, 3, 1, 3, 2, 2, 1]) {
      await versions.ask({ model: 'colours', version }, async () => {
        most = Math.max(most, versions.held);
      });
    }

    assert.equal(most, 2);
    assert.deepEqual(
      versions.warm.map(({ name }) => name.version).toSorted((a, b) => a - b),
      [1, 2],
    );
    await versions.close();
  });

  it('lose nothing when something is asked for that does not exist', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { most: 2 });
    await versions.ask({ model: 'colours', version: 1 }, numberOf);
    await versions.ask({ model: 'colours', version: 2 }, numberOf);

    for (const version of [7, 8, 9]) {
      await assert.rejects(versions.ask({ model: 'colours', version }, numberOf), { name: 'NotFoundError' });
    }

    assert.deepEqual(versions.warm.length, 2);
    await versions.close();
  });

  it('take up what was added to the gallery', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { lookMs: 0 });
    const known = (): Promise<boolean> =>
      versions.ask(PRODUCTION, ({ knowledge }) =>
        Promise.resolve(knowledge.gallery.classes.includes('yellow')),
      );
    assert.equal(await known(), false);

    await add(registry, 1, [await picture('yellow', 1)]);

    await until(known);
    await versions.close();
  });

  it('keep what they have taken up, also when a slower look that saw less ends later', async () => {
    const { registry } = await threeVersions();
    const { store } = registry;
    let go = (): void => undefined;
    let slow: Promise<void> | null = null;
    async function* list(prefix: string): ReturnType<typeof store.list> {
      const listed = [];
      for await (const one of store.list(prefix)) listed.push(one);
      const held = slow;
      slow = null;
      await held;
      yield* listed;
    }
    const versions = new WarmVersions(openRegistry({ ...store, list }), { lookMs: 1e9 });
    await versions.ask(PRODUCTION, numberOf);
    slow = new Promise((resolve) => (go = resolve));

    const slower = versions.refreshGallery({ model: 'colours', version: 1 });
    await until(() => slow === null);
    await add(registry, 1, [await picture('yellow', 1)]);
    const faster = versions.refreshGallery({ model: 'colours', version: 1 });
    setTimeout(go, 50);
    await Promise.all([slower, faster]);

    const { classes } = await versions.ask(PRODUCTION, ({ knowledge }) => Promise.resolve(knowledge.gallery));
    assert.ok(classes.includes('yellow'));
    await versions.close();
  });

  it('let a request after a long silence wait for what came to the gallery', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { lookMs: 0, staleMs: 0 });
    await versions.ask(PRODUCTION, numberOf);

    await add(registry, 1, [await picture('yellow', 1)]);

    const { classes } = await versions.ask(PRODUCTION, ({ knowledge }) => Promise.resolve(knowledge.gallery));
    assert.ok(classes.includes('yellow'));
    await versions.close();
  });

  it('embed what their network has not embedded in the background, and answer meanwhile', async () => {
    const { registry, hold } = await threeVersions();
    const yellow = await picture('yellow', 1);
    await add(registry, 1, [yellow]);
    const go = hold(/^blobs\//);
    const second = { model: 'colours', version: 2 };
    const versions = new WarmVersions(registry, { lookMs: 0, staleMs: 0 });
    const rows = (): Promise<Map<string, number[]>> =>
      versions.ask(second, async ({ knowledge: { gallery } }) => {
        const row = (n: number): number[] => [...gallery.embeddings.subarray(n * 3, n * 3 + 3)];
        return new Map(gallery.keys.map((key, n) => [key, row(n)]));
      });

    const meanwhile = [await rows(), await rows()];
    go();
    await until(async () => (await rows()).has(yellow.key));

    assert.deepEqual(
      meanwhile.map((found) => found.size),
      [9, 9],
    );
    const { embeddings } = await embedWith(registry, 2, [yellow]);
    assert.deepEqual((await rows()).get(yellow.key), [...embeddings]);
    await versions.close();
  });

  it('name images that cannot be embedded once, and answer without them', async () => {
    const { registry } = await threeVersions();
    const errors: unknown[] = [];
    const versions = new WarmVersions(registry, {
      lookMs: 0,
      staleMs: 0,
      onTrouble: (error) => errors.push(error),
    });
    const second = { model: 'colours', version: 2 };
    const classes = (): Promise<readonly string[]> =>
      versions.ask(second, async ({ knowledge }) => knowledge.gallery.classes);
    await classes();

    await add(registry, 1, [await picture('yellow', 1)], []);
    await classes();
    await until(() => errors.length > 0);
    await add(registry, 1, [await picture('black', 1)]);
    await until(async () => (await classes()).includes('black'));

    assert.ok(!(await classes()).includes('yellow'));
    assert.deepEqual(
      errors.map((error) => error instanceof Error && error.message.includes('"yellow/1.png"')),
      [true],
    );
    await versions.close();
  });

  it('answer from what they have while the store does not', async () => {
    const { registry } = await threeVersions();
    const troubles: unknown[] = [];
    let broken = false;
    const frail = openRegistry(
      intercepted(registry.store, async () => {
        if (broken) throw new Error('gone');
      }),
    );
    const versions = new WarmVersions(frail, { lookMs: 0, onTrouble: (error) => troubles.push(error) });
    await versions.ask(PRODUCTION, numberOf);
    broken = true;

    assert.equal(await versions.ask(PRODUCTION, numberOf), 1);
    await until(() => troubles.length > 0);
    assert.equal(await versions.ask(PRODUCTION, numberOf), 1);
    await versions.close();
  });

  it('replace one whose engine has failed', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { lookMs: 1e9 });
    const threads: Worker[] = [];
    const note = (thread: Worker): void => void threads.push(thread);
    process.on('worker', note);
    const before = await versions.ask(PRODUCTION, embedded);
    process.off('worker', note);
    for (const thread of threads) await thread.terminate();

    await assert.rejects(versions.ask(PRODUCTION, embedded), { name: 'EngineFailedError' });

    assert.deepEqual(await versions.ask(PRODUCTION, embedded), before);
    assert.equal(versions.held, 1);
    await versions.close();
  });

  it('refuse loads when too many wait', async () => {
    const { registry, hold } = await threeVersions();
    const versions = new WarmVersions(registry, { waitingLoads: 1 });
    const go = hold(/embedding.onnx/);
    const first = [1, 2].map((version) => versions.ask({ model: 'colours', version }, numberOf));

    await assert.rejects(versions.ask({ model: 'colours', version: 3 }, numberOf), { code: 'busy' });

    go();
    assert.deepEqual(await Promise.all(first), [1, 2]);
    await versions.close();
  });
});

describe('pictures of several requests', () => {
  it('go through the engine together while it is at work, each with its own answer', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry, { batch: 3 });
    const many = await pictures(['red', 'green', 'blue'], 3, 7);
    const expected = await embedWith(registry, 1, many);

    await versions.ask(PRODUCTION, async ({ embedder }) => {
      const runs: number[] = [];
      const batcher = new Batcher(embedder, 3, ({ pictures: count }) => runs.push(count));
      const decoded = await Promise.all(
        many.map(async (one) => decodeImage(await one.read(), embedder.preprocessing)),
      );
      const answers = await Promise.all(decoded.map((pixels) => batcher.embed(pixels)));
      assert.deepEqual(
        answers.flatMap((one) => [...one]),
        [...expected.embeddings],
      );
      assert.deepEqual(runs, [3, 3, 3, 3]);
    });
    await versions.close();
  });

  it('fail together when the engine does, and the next ones are answered', async () => {
    const { registry } = await threeVersions();
    const versions = new WarmVersions(registry);
    await versions.ask(PRODUCTION, async (warm) => {
      const wrong = { width: 1, height: 1, data: new Uint8Array(3) };
      await assert.rejects(warm.batcher.embed(wrong), { name: 'InvalidInputError' });
      assert.equal((await embedded(warm)).length, 3);
    });
    await versions.close();
  });
});

describe('a line', () => {
  it('lets so many in at once, so many wait, in their order, and refuses the others', async () => {
    const line = new Line('Things are done', { atOnce: 2, waiting: 2 });
    const order: number[] = [];
    const gates: (() => void)[] = [];
    const work = (n: number) => async (): Promise<void> => {
      order.push(n);
      await new Promise<void>((resolve) => gates.push(resolve));
    };

    const under = [0, 1, 2, 3].map((n) => line.run(work(n)));
    await assert.rejects(line.run(work(4)), { code: 'busy' });
    await until(() => order.length === 2);
    gates.shift()?.();
    await until(() => order.length === 3);
    while (order.length < 4 || gates.length > 0) {
      gates.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }

    await Promise.all(under);
    assert.deepEqual([order, line.working, line.waiting], [[0, 1, 2, 3], 0, 0]);
  });

  it('forgets who goes away while waiting', async () => {
    const line = new Line('Things are done', { atOnce: 1, waiting: 5 });
    let go = (): void => undefined;
    const first = line.run(() => new Promise<void>((resolve) => (go = resolve)));
    const away = new AbortController();
    const second = line.run(() => Promise.resolve('second'), away.signal);
    const third = line.run(() => Promise.resolve('third'));

    away.abort();
    await assert.rejects(second, { code: 'cancelled' });
    await until(() => line.waiting === 1);
    go();

    await first;
    assert.equal(await third, 'third');
    assert.equal(line.working, 0);
  });
});
