import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createDecider } from '../../core/gallery/decision.ts';
import { createSearch } from '../../core/gallery/search.ts';
import { openGallery } from '../../core/registry/open-version.ts';
import { OTHER, embedWith, picture, pictures, publishColours } from '../core/registry/colours.ts';
import { author } from '../core/registry/support.ts';
import { countedIn } from '../support/log-patterns.ts';
import { inProcess, json, listening } from './support.ts';
import type { Served } from './support.ts';

interface Answer {
  model: string;
  version: number;
  point: string | null;
  engine: Record<string, string>;
  timings: { decodeAndEmbed: number; decide: number };
  results: {
    image: string;
    class: string;
    distance: number;
    neighbours: { class: string; distance: number; key: string }[];
    embedding?: number[];
    error?: { code: string; message: string };
  }[];
}

interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
}

const WAYS: readonly (readonly [string, () => Promise<Served>])[] = [
  ['over HTTP, from a registry in a folder', listening],
  ['in process, from a registry in memory', inProcess],
];

for (const [way, serve] of WAYS) {
  describe(`the interface ${way}`, () => {
    let served: Served;
    before(async () => {
      served = await serve();
    });
    after(() => served.close());

    const post = (
      path: string,
      body: NonNullable<RequestInit['body']>,
      headers: Record<string, string> = {},
    ) => served.fetch(path, { method: 'POST', body, headers });

    async function assertProblem(response: Response, status: number, code: string): Promise<Problem> {
      const problem = await json<Problem & Record<string, unknown>>(response);
      assert.equal(response.status, status, JSON.stringify(problem));
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
      assert.equal(problem.type, `urn:kindred:problem:${code}`);
      assert.equal(problem.status, status);
      assert.equal(problem.instance, response.headers.get('x-request-id'));
      assert.ok(problem.title && problem.detail);
      return problem;
    }

    it('answers a picture in the body as the gallery does when it is asked directly', async () => {
      const red = await picture('red', 9);
      const { gallery } = await openGallery(served.registry, { model: 'colours', version: 1, alias: null });
      const { embeddings } = await embedWith(served.registry, 1, [red]);
      const expected = createDecider(createSearch(gallery), { top: 2 })(embeddings);

      const response = await post('/v1/classify?top=2', await red.read(), { 'content-type': 'image/png' });

      assert.equal(response.status, 200);
      const { model, version, point, engine, timings, results } = await json<Answer>(response);
      assert.deepEqual({ model, version, point }, { model: 'colours', version: 1, point: 'balanced' });
      assert.equal(engine['name'], 'onnxruntime');
      assert.ok(timings.decodeAndEmbed > 0 && timings.decide >= 0);
      assert.deepEqual(results, [{ image: 'image', ...expected }]);
    });

    it('answers the pictures of a form in order, and says of each that cannot be used why', async () => {
      const form = new FormData();
      form.append('image', new Blob([await (await picture('blue', 7)).read()]), 'sea — "1".png');
      form.append('image', new Blob(['no picture']), 'note.txt');
      form.append('image', new Blob([await (await picture('green', 7)).read()]), 'grass.png');

      const response = await post('/v1/models/colours/classify', form);

      const { results } = await json<Answer>(response);
      assert.deepEqual(
        results.map(({ image, class: name, error }) => [image, name ?? error?.code]),
        [
          ['sea — "1".png', 'blue'],
          ['note.txt', 'unsupported-type'],
          ['grass.png', 'green'],
        ],
      );
    });

    it('answers pictures of a data set by their keys', async () => {
      const file = { className: 'Größe', file: 'a b+c.png', bytes: await (await picture('red', 3)).read() };
      const { key } = await served.registry.addToDataSet('paint', file);

      const one = await post('/v1/classify', JSON.stringify({ key }), { 'content-type': 'application/json' });
      const two = await post('/v1/embed', JSON.stringify({ keys: [key, key] }), {
        'content-type': 'application/json',
      });

      assert.deepEqual(
        (await json<Answer>(one)).results.map((each) => [each.image, each.class]),
        [[key, 'red']],
      );
      const { embeddings } = await embedWith(served.registry, 1, [await picture('red', 3)]);
      assert.deepEqual(
        (await json<Answer>(two)).results,
        [0, 1].map(() => ({ image: key, embedding: [...embeddings] })),
      );
    });

    it('reads no keys but those of data sets', async () => {
      for (const key of [
        'models/colours/aliases/production.json',
        'datasets/../models/colours/aliases/production.json',
        'datasets//x',
        'datasets/%2e%2e/x',
        '/etc/passwd',
        'datasets/a/b\u0000.png',
      ]) {
        const response = await post('/v1/classify', JSON.stringify({ key }), {
          'content-type': 'application/json',
        });
        assert.ok([400, 404].includes(response.status), `${key}: ${response.status}`);
      }
    });

    it('compares two pictures', async () => {
      const pair = async (a: number, b: number): Promise<FormData> => {
        const form = new FormData();
        for (const n of [a, b])
          form.append('image', new Blob([await (await picture('red', n)).read()]), `${n}`);
        return form;
      };

      const response = await post('/v1/verify?threshold=10', await pair(1, 3));
      const same = await json<{ distance: number; same: boolean }>(response);
      const far = await json<{ same: boolean }>(await post('/v1/verify?threshold=0.5', await pair(1, 9)));
      const open = await json<{ same: null; threshold: null }>(await post('/v1/verify', await pair(1, 9)));

      const { embeddings: e } = await embedWith(served.registry, 1, [
        await picture('red', 1),
        await picture('red', 3),
      ]);
      const expected = [0, 1, 2].reduce((sum, i) => sum + ((e[i] as number) - (e[i + 3] as number)) ** 2, 0);
      assert.ok(
        Math.abs(same.distance - expected) < 1e-6 * Math.max(1, expected),
        `${same.distance} ${expected}`,
      );
      assert.deepEqual(
        [same.same, far.same, open.same, open.threshold],
        [same.distance <= 10, false, null, null],
      );
    });

    it('wants exactly two pictures to compare', async () => {
      const response = await post('/v1/verify', await (await picture('red', 1)).read());
      await assertProblem(response, 400, 'invalid-input');
    });

    it('refuses what is no picture by its content, not by its name', async () => {
      const heic = Buffer.concat([
        Buffer.from([0, 0, 0, 24]),
        Buffer.from('ftypheic\0\0\0\0heicmif1', 'latin1'),
      ]);
      const problem = await assertProblem(
        await post('/v1/classify', heic, { 'content-type': 'image/jpeg' }),
        415,
        'unsupported-type',
      );
      assert.match(problem.detail, /HEIC.*send JPEG/);
      await assertProblem(
        await post('/v1/classify', '<svg/>', { 'content-type': 'image/png' }),
        415,
        'unsupported-type',
      );
    });

    it('refuses damaged and empty pictures', async () => {
      const png = await (await picture('red', 1)).read();
      await assertProblem(await post('/v1/classify', png.slice(0, 60)), 422, 'unreadable-image');
      await assertProblem(await served.fetch('/v1/classify', { method: 'POST' }), 422, 'unreadable-image');
    });

    it('refuses bodies of other types, forms without pictures, and broken ones', async () => {
      await assertProblem(
        await post('/v1/classify', 'a=b', { 'content-type': 'text/plain' }),
        415,
        'unsupported-type',
      );
      const form = new FormData();
      form.append('picture', new Blob(['x']), 'x');
      await assertProblem(await post('/v1/classify', form), 400, 'invalid-input');
      const broken = { 'content-type': 'multipart/form-data; boundary=x' };
      await assertProblem(await post('/v1/classify', '--x\r\nnothing', broken), 400, 'invalid-input');
      await assertProblem(
        await post('/v1/classify', 'x', { 'content-type': 'multipart/form-data' }),
        400,
        'invalid-input',
      );
      const text = new FormData();
      text.append('image', 'words');
      await assertProblem(await post('/v1/classify', text), 400, 'invalid-input');
    });

    it('refuses JSON that is none, that is bottomless, or that says something else', async () => {
      const typed = { 'content-type': 'application/json' };
      for (const body of [
        '{',
        '"\ud800',
        '['.repeat(30_000),
        '{"key": 1}',
        '{"key": "datasets/a/b", "x": 1}',
        'null',
      ]) {
        await assertProblem(await post('/v1/classify', body, typed), 400, 'invalid-input');
      }
      await assertProblem(await post('/v1/classify', `"${'x'.repeat(70_000)}"`, typed), 413, 'too-large');
    });

    it('refuses queries that mean nothing', async () => {
      const red = await (await picture('red', 1)).read();
      for (const query of [
        'top=0',
        'top=x',
        'point=odd',
        'version=0',
        'version=1&alias=a',
        'threshold=-1',
        'point=strict&threshold=1',
        'alias=A%20B',
      ]) {
        await assertProblem(await post(`/v1/classify?${query}`, red), 400, 'invalid-input');
      }
      const { detail } = await assertProblem(await post('/v1/classify?verison=1', red), 400, 'invalid-input');
      assert.match(detail, /The query: there is no "verison"; allowed are "version", "alias", "top"/);
      const jobs = await served.fetch('/v1/trainings?limits=3');
      assert.match((await assertProblem(jobs, 400, 'invalid-input')).detail, /"limits"; allowed are "limit"/);
      await assertProblem(await post('/v1/classify?version=9', red), 404, 'not-found');
      await assertProblem(await post('/v1/classify?alias=nowhere', red), 404, 'not-found');
      await assertProblem(await post('/v1/models/none/classify', red), 404, 'not-found');
      await assertProblem(await post('/v1/models/%2e%2e%2fx/classify', red), 400, 'invalid-input');
    });

    it('lists and shows models, versions and aliases', async () => {
      const [listed] = (await json<{ models: { model: string }[] }>(await served.fetch('/v1/models'))).models;
      const shown = await json(await served.fetch('/v1/models/colours'));
      const alias = await json<{ version: number }>(
        await served.fetch('/v1/models/colours/aliases/production'),
      );

      assert.deepEqual(listed, shown);
      assert.deepEqual([shown['model'], alias.version], ['colours', 1]);
      const { detail } = await assertProblem(await served.fetch('/v1/models/nothing'), 404, 'not-found');
      const job = await served.fetch('/v1/trainings/01ARZ3NDEKTSV4RRFFQ69G5FAV');
      // Where the registry lies is nobody's business who asks.
      for (const text of [detail, (await assertProblem(job, 404, 'not-found')).detail]) {
        assert.match(text, /in the registry/);
        assert.ok(!text.includes(served.registry.store.uri));
      }
      await assertProblem(await served.fetch('/v1/models/Bad%20Name'), 400, 'invalid-input');
      await assertProblem(await served.fetch('/v1/models/colours/aliases/none'), 404, 'not-found');
      await assertProblem(await served.fetch('/v1/models/colours/versions/7'), 404, 'not-found');
    });

    it('says of a version that is known already that nothing changed', async () => {
      const first = await served.fetch('/v1/models/colours/versions/1');
      const etag = first.headers.get('etag') ?? '';
      const { checksum } = await served.registry.manifest('colours', 1);

      const again = await served.fetch('/v1/models/colours/versions/1', {
        headers: { 'if-none-match': `"x", W/${etag}` },
      });

      assert.equal((await json(first))['checksum'], checksum);
      assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', etag]);
    });

    it('moves an alias only for whoever has seen where it is', async () => {
      await publishColours(served.registry, OTHER, await pictures(['red', 'blue'], 0, 3));
      const at = '/v1/models/colours/aliases/canary';
      const put = (body: unknown, headers: Record<string, string>) =>
        served.fetch(at, {
          method: 'PUT',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', ...headers },
        });

      await assertProblem(await put({ version: 1 }, {}), 428, 'precondition-required');
      await assertProblem(await put({ version: 1 }, { 'if-match': '"1-1"' }), 412, 'precondition-failed');
      const made = await put({ version: 1, why: 'a trial' }, { 'if-none-match': '*' });
      assert.equal(made.status, 200);
      const etag = made.headers.get('etag') ?? '';
      assert.equal((await served.fetch(at)).headers.get('etag'), etag);
      await assertProblem(await put({ version: 2 }, { 'if-none-match': '*' }), 412, 'precondition-failed');
      // Reading it again would not help.
      await assertProblem(await put({ rollback: true }, { 'if-match': etag }), 409, 'conflict');
      await assertProblem(await put({ version: 9 }, { 'if-match': etag }), 404, 'not-found');
      await assertProblem(await put({ version: 'two' }, { 'if-match': etag }), 400, 'invalid-input');
      await assertProblem(
        await put({ version: 2 }, { 'if-match': etag, 'content-type': 'text/plain' }),
        415,
        'unsupported-type',
      );

      const moves = await Promise.all([1, 2, 3].map(() => put({ version: 2 }, { 'if-match': etag })));
      assert.deepEqual(
        moves.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 412, 412],
      );
      const red = await (await picture('red', 1)).read();
      const asked = await json<Answer>(await post('/v1/classify?alias=canary', red));
      const kept = await json<Answer>(await post('/v1/classify', red));
      assert.deepEqual([asked.version, kept.version], [2, 1]);
    });

    it('answers by the version that the alias was moved to at once when it was moved here', async () => {
      const red = await (await picture('red', 1)).read();
      const at = '/v1/models/colours/aliases/production';
      const first = await json<Answer>(await post('/v1/classify', red));
      const etag = (await served.fetch(at)).headers.get('etag') ?? '';

      await served.fetch(at, {
        method: 'PUT',
        body: '{"version": 2}',
        headers: { 'content-type': 'application/json', 'if-match': etag },
      });
      const then = await json<Answer>(await post('/v1/classify', red));

      assert.deepEqual([first.version, then.version], [1, 2]);
      await served.registry.move('colours', 'production', 1, author);
    });

    it('lists data sets and shows them page by page', async () => {
      for (const file of ['1.png', '2.png', '3.png']) {
        await served.registry.addToDataSet('shades', {
          className: 'red',
          file,
          bytes: new Uint8Array([1, 2]),
        });
      }
      const { dataSets } = await json<{ dataSets: { dataSet: string }[] }>(
        await served.fetch('/v1/datasets'),
      );
      type Page = { pictures: number; bytes: number; images: { file: string }[]; next: string | null };
      const first = await json<Page>(await served.fetch('/v1/datasets/shades?limit=2'));
      const rest = await json<Page>(
        await served.fetch(`/v1/datasets/shades?limit=2&after=${encodeURIComponent(first.next ?? '')}`),
      );

      assert.ok(dataSets.some(({ dataSet }) => dataSet === 'shades'));
      assert.deepEqual([first.pictures, first.bytes, rest.next], [3, 6, null]);
      assert.deepEqual(
        [...first.images, ...rest.images].map(({ file }) => file),
        ['1.png', '2.png', '3.png'],
      );
      await assertProblem(await served.fetch('/v1/datasets/none'), 404, 'not-found');
    });

    it('is alive and ready, and counts what it does', async () => {
      assert.deepEqual(await json(await served.fetch('/healthz')), { status: 'ok' });
      const ready = await json<{ status: string; versions: unknown[] }>(await served.fetch('/readyz'));
      assert.equal(ready.status, 'ready');
      const metrics = await (await served.fetch('/metrics')).text();
      for (const line of [
        /^kindred_requests_total\{method="POST",route="\/v1\/classify",status="200"\} \d+$/m,
        /^kindred_request_seconds_count\{method="POST",route="\/v1\/classify"\} \d+$/m,
        /^kindred_gallery_pictures\{model="colours",version="1"\} 12$/m,
        /^kindred_engine_seconds_count\{model="colours",version="1"\} \d+$/m,
        /^kindred_pictures_rejected_total\{reason="unreadable-image"\} 2$/m,
        /^kindred_body_bytes 0$/m,
        /^kindred_queue_working 0$/m,
      ]) {
        assert.match(metrics, line);
      }
    });

    it('says what there is not, and what cannot be done with what there is', async () => {
      await assertProblem(await served.fetch('/v2/nothing'), 404, 'not-found');
      const response = await served.fetch('/v1/classify');
      assert.equal(response.headers.get('allow'), 'POST');
      await assertProblem(response, 405, 'method-not-allowed');
    });

    it('writes of a classification how many pictures were asked, and how many are of no known class', async () => {
      const near = await (await picture('red', 9)).read();
      await post('/v1/classify?threshold=0', near, { 'x-request-id': 'noted' });

      const entry = served.log.find(({ requestId }) => requestId === 'noted');
      assert.deepEqual([entry?.['pictures'], entry?.['unknown']], [1, 1]);
      assert.ok(Number(entry?.['engineSeconds']) > 0);
      // On AWS its metrics are counted in this entry.
      const { EngineSeconds, ...counted } = countedIn(entry ?? {});
      assert.deepEqual([counted, EngineSeconds], [{ Pictures: 1, Unknown: 1 }, entry?.['engineSeconds']]);
    });

    it('keeps the id of a request where it is a plain one, and writes it into the log', async () => {
      const own = await served.fetch('/healthz', { headers: { 'x-request-id': 'my-id-1' } });
      const other = await served.fetch('/healthz', { headers: { 'x-request-id': 'a b\t"' } });

      assert.equal(own.headers.get('x-request-id'), 'my-id-1');
      assert.match(other.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
      const entry = served.log.find(({ requestId }) => requestId === 'my-id-1');
      assert.deepEqual([entry?.['route'], entry?.['status'], entry?.['method']], ['/healthz', 200, 'GET']);
    });
  });
}
