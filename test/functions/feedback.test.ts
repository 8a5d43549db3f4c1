import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { embedPictures } from '../../core/embedding/embed-pictures.ts';
import { createDecider } from '../../core/gallery/decision.ts';
import { createSearch } from '../../core/gallery/search.ts';
import { createChange } from '../../core/gallery/facts.ts';
import { digest } from '../../core/images/picture.ts';
import { putChange, removeLoose } from '../../core/registry/gallery-log.ts';
import { openVersion } from '../../core/registry/open-version.ts';
import { embedGallery } from '../../core/registry/version-gallery.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { galleryNow, trainedOn } from '../core/ingest/following.ts';
import { OTHER, picture, pictures, publishColours } from '../core/registry/colours.ts';
import { inProcess, json, listening } from './support.ts';
import type { Served } from './support.ts';

const TYPED = { 'content-type': 'image/png' };
const png = async (className: string, n: number): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await picture(className, n)).read());

interface Feedback {
  class: string;
  version: number;
  results: { key: string; outcome: string; sha256: string; reason: string | null }[];
}
interface Answer {
  gallery: unknown;
  results: { class: string; known: boolean | null }[];
}
interface Said {
  model: string;
  version: number;
  point: 'balanced';
  gallery: { changes: number; lastChange: string; sha256: string };
  results: ({ image: string } & Record<string, unknown>)[];
}
interface Page {
  pictures: { id: string; class: string; distance: number; type: string; bytes: number }[];
  next: string | null;
}

async function startedOn(registry: Registry, overrides = {}): Promise<Served & { url: string }> {
  await trainedOn(registry, ['red', 'green'], 2);
  return listening({ versions: { lookMs: 500 }, ...overrides }, registry);
}

describe('feedback', () => {
  const registry = openRegistry(memoryStore());
  let served: Served;
  before(async () => {
    served = await startedOn(registry);
  });
  after(() => served.close());

  const tell = (
    className: string,
    body: NonNullable<RequestInit['body']>,
    headers: Record<string, string> = TYPED,
  ) =>
    served.fetch(`/v1/models/colours/feedback?class=${encodeURIComponent(className)}`, {
      method: 'POST',
      body,
      headers,
    });
  const ask = async (body: Uint8Array<ArrayBuffer>): Promise<Answer> =>
    json(await served.fetch('/v1/models/colours/classify', { method: 'POST', body, headers: TYPED }));

  it('puts a picture under a class, old or new, and the next answer knows it', async () => {
    const blue = await png('blue', 1);
    assert.notEqual((await ask(blue)).results[0]?.class, 'Blau ü');

    const told = await json<Feedback>(await tell('Blau ü', blue));
    // The same name, with an accent of its own.
    const again = await json<Feedback>(await tell('Blau ü'.normalize('NFD'), blue));

    assert.deepEqual([told.results[0]?.outcome, again.results[0]?.outcome], ['added', 'unchanged']);
    assert.equal(again.class, told.class);
    const { results, gallery } = await ask(blue);
    assert.equal(results[0]?.class, 'Blau ü');
    // So that the answer can be computed again, whatever comes later.
    const [only = null] = (await registry.changes('colours')).map(({ id }) => id);
    const sha256 = digest(new TextEncoder().encode(`${only}\n`));
    assert.deepEqual(gallery, { pictures: 5, changes: 1, lastChange: only, sha256 });
    assert.ok((await galleryNow(registry)).includes(`${told.results[0]?.key} ${told.results[0]?.sha256}`));
  });

  it('moves what is under another class, also where a data set has it there, and takes no class for renamed', async () => {
    const keys = ['datasets/colours/green/0.png', 'datasets/colours/green/1.png'];
    const told = await json<Feedback>(
      await tell('lime', JSON.stringify({ keys }), { 'content-type': 'application/json' }),
    );
    assert.deepEqual(
      told.results.map(({ outcome }) => outcome),
      ['moved', 'moved'],
    );

    await served.fetch('/v1/datasets/colours/images/green/2.png', {
      method: 'PUT',
      body: await png('green', 2),
      headers: TYPED,
    });
    while (!(await galleryNow(registry)).some((row) => row.startsWith('green/2.png '))) await sleep(50);

    const classes = (await galleryNow(registry)).map((row) => row.split('/')[0]);
    assert.deepEqual(classes, ['Blau ü', 'green', 'lime', 'lime', 'red', 'red']);
  });

  it('leaves answers from before that can be computed again by what they name', async () => {
    const asked = await png('green', 7);
    const { model, version, point, gallery, results } = await json<Said>(
      await served.fetch('/v1/classify?top=3', { method: 'POST', body: asked, headers: TYPED }),
    );
    // One change after it, and one that comes late, of somebody whose clock is slow.
    await tell('green', await png('blue', 9));
    const late = createChange({
      id: ulid(1),
      after: null,
      by: 'a test',
      facts: [{ op: 'remove', class: 'red', sha256: digest(await png('red', 0)) }],
    });
    await putChange(registry.store, model, late);

    const opened = await openVersion(registry, { model, version, alias: null });
    const { made, contents } = opened;
    const until = contents.changes.filter(({ id }) => id <= gallery.lastChange);
    assert.equal(until.length, gallery.changes + 1);
    const idsOf = (some: typeof until) => digest(Buffer.from(some.map(({ id }) => `${id}\n`).join('')));
    const then = until
      .map((one) => until.filter((other) => other !== one))
      .find((some) => idsOf(some) === gallery.sha256);

    const embedded = await embedPictures(opened.embedder, [await picture('green', 7)]);
    opened.embedder.dispose();
    const state = { made, contents: contents.follow(then ?? assert.fail('no such state')) };
    const search = createSearch((await embedGallery(registry, model, state, null)).gallery);
    const decide = createDecider(search, { top: 3, point, calibration: opened.calibration });
    const { image: _, ...answered } = results[0] ?? assert.fail();
    assert.deepEqual(JSON.parse(JSON.stringify(decide(embedded.embeddings))), answered);
    await removeLoose(registry.store, model, late.id);
  });

  it('goes over to the next version', async () => {
    const train = [...(await pictures(['red', 'green'], 0, 2)), await picture('green', 2)];
    await publishColours(registry, OTHER, train, [], {
      follows: 'colours',
    });
    const etag = (await served.fetch('/v1/models/colours/aliases/production')).headers.get('etag') ?? '';
    const moved = await served.fetch('/v1/models/colours/aliases/production', {
      method: 'PUT',
      body: '{"version":2}',
      headers: { 'content-type': 'application/json', 'if-match': etag },
    });

    assert.equal(moved.status, 200);
    assert.match((await json<{ notes: string[] }>(moved)).notes.join(), /Embedded 2 images/);
    const classes = (await galleryNow(registry)).map((row) => row.split('/')[0]);
    assert.deepEqual(classes, ['Blau ü', 'green', 'green', 'lime', 'lime', 'red', 'red']);
  });

  it('counts pictures that it reads from data sets as it does bodies', async () => {
    const small = await listening({ memoryBytes: 250 }, registry);
    const keys = ['datasets/colours/green/0.png', 'datasets/colours/green/1.png'];
    const headers = { 'content-type': 'application/json' };
    const send = (some: string[]): Promise<Response> =>
      small.fetch('/v1/models/colours/feedback?class=lime', {
        method: 'POST',
        body: JSON.stringify({ keys: some }),
        headers,
      });

    const statuses = [(await send(keys)).status, (await send(keys.slice(1))).status];

    assert.deepEqual(statuses, [503, 200]);
    assert.match(await (await small.fetch('/metrics')).text(), /^kindred_body_bytes 0$/m);
    await small.close();
  });

  it('refuses what cannot be used, and says of each of several pictures what became of it', async () => {
    const statuses = [
      await tell('a/b', await png('red', 3)),
      await tell('', await png('red', 3)),
      await tell('..', await png('red', 3)),
      await tell('hat', 'no picture', { 'content-type': 'image/png' }),
      await tell('hat', (await png('red', 3)).slice(0, 60)),
      await served.fetch('/v1/models/none/feedback?class=hat', {
        method: 'POST',
        body: await png('red', 3),
        headers: TYPED,
      }),
      await served.fetch('/v1/models/colours/feedback', {
        method: 'POST',
        body: await png('red', 3),
        headers: TYPED,
      }),
    ].map(({ status }) => status);
    assert.deepEqual(statuses, [400, 400, 400, 415, 422, 404, 400]);

    const form = new FormData();
    form.append('image', new Blob([await png('red', 8)]), 'a.png');
    form.append('image', new Blob([(await png('red', 9)).slice(0, 60)]), 'b.png');
    const told = await json<Feedback>(
      await served.fetch('/v1/models/colours/feedback?class=red', { method: 'POST', body: form }),
    );
    assert.deepEqual(
      told.results.map(({ outcome }) => outcome),
      ['added', 'rejected'],
    );
    assert.match(told.results[1]?.reason ?? '', /./);
  });
});

describe('pictures that are not known', () => {
  const registry = openRegistry(memoryStore());
  let served: Served;
  const bytes = 2000;
  before(async () => {
    served = await startedOn(registry, { unknown: { pictures: 3, bytes } });
  });
  after(() => served.close());

  const ask = async (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = TYPED) =>
    json<Answer>(
      await served.fetch('/v1/models/colours/classify?threshold=1', { method: 'POST', body, headers }),
    );
  const page = async (query = ''): Promise<Page> =>
    json(await served.fetch(`/v1/models/colours/unknown${query}`));
  const atLeast = async (count: number): Promise<Page> => {
    for (let left = 3000; left > 0; left--) {
      const found = await page();
      if (found.pictures.length >= count) return found;
      await sleep(20);
    }
    return page();
  };

  it('wait to be labelled, each once; those that are known, and those of data sets, do not', async () => {
    assert.equal((await ask(await png('red', 0))).results[0]?.known, true);
    assert.equal((await ask(await png('blue', 1))).results[0]?.known, false);
    await ask(await png('blue', 1));
    await registry.addToDataSet('other', { className: 'sky', file: '1.png', bytes: await png('blue', 2) });
    await ask('{"key":"datasets/other/sky/1.png"}', { 'content-type': 'application/json' });

    const { pictures: waiting, next } = await atLeast(1);

    assert.deepEqual([waiting.length, next, waiting[0]?.type], [1, null, 'image/png']);
    assert.ok((waiting[0]?.distance ?? 0) > 1);
    const shown = await served.fetch(`/v1/models/colours/unknown/${waiting[0]?.id}`);
    assert.deepEqual([shown.status, shown.headers.get('content-type')], [200, 'image/png']);
    assert.match(shown.headers.get('content-security-policy') ?? '', /sandbox/);
    assert.deepEqual(new Uint8Array(await shown.arrayBuffer()), await png('blue', 1));
  });

  it('are labelled or discarded, once', async () => {
    await ask(await png('blue', 3));
    const [first, second] = (await atLeast(2)).pictures;
    const one = await page('?limit=1');
    assert.deepEqual([one.pictures[0]?.id, one.next], [first?.id, first?.id]);
    assert.deepEqual((await page(`?limit=1&after=${one.next}`)).pictures[0]?.id, second?.id);
    const label = async () =>
      served.fetch(`/v1/models/colours/unknown/${first?.id}/label`, {
        method: 'POST',
        body: '{"class":"blue"}',
        headers: { 'content-type': 'application/json' },
      });

    const told = await json<Feedback>(await label());
    const again = await label();
    const discard = async () =>
      served.fetch(`/v1/models/colours/unknown/${second?.id}`, { method: 'DELETE' });
    const statuses = [again.status, (await discard()).status, (await discard()).status];

    assert.equal(told.results[0]?.outcome, 'added');
    assert.deepEqual(statuses, [404, 204, 404]);
    assert.deepEqual((await page()).pictures, []);
    assert.equal((await ask(await png('blue', 1))).results[0]?.known, true);
    assert.equal((await served.fetch('/v1/models/colours/unknown/..%2fx')).status, 400);
  });

  it('are as many as was said at most, in number and in bytes', async () => {
    const refused = async (): Promise<number> => {
      const metrics = await (await served.fetch('/metrics')).text();
      return Number(/kindred_unknown_total\{kept="false"\} (\d+)/.exec(metrics)?.[1] ?? 0);
    };
    const sofar = await refused();
    for (let n = 0; n < 6; n++) await ask(await png('yellow', 20 + n));
    // All six have been decided on then.
    while ((await refused()) < sofar + 3) await sleep(20);

    const { pictures: waiting } = await page();

    assert.equal(waiting.length, 3);
    assert.ok(waiting.reduce((sum, each) => sum + each.bytes, 0) <= bytes);
  });

  it('are not kept unless whoever runs the server wants that', async () => {
    const other = await inProcess();
    const body = await png('blue', 1);
    await other.fetch('/v1/models/colours/classify?threshold=1', { method: 'POST', body, headers: TYPED });
    await sleep(100);

    assert.deepEqual((await json<Page>(await other.fetch('/v1/models/colours/unknown'))).pictures, []);
    await other.close();
  });
});
