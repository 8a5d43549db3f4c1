import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kindredClient } from '../../functions/client.ts';
import { picture } from '../core/registry/colours.ts';
import { json, listening } from './support.ts';
import type { Served } from './support.ts';

interface Operation {
  summary: string;
  tags: string[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}

describe('the description of the interface', () => {
  let served: Served & { url: string };
  let document: { openapi: string; paths: Record<string, Record<string, Operation>> };
  before(async () => {
    served = await listening();
    document = await json(await served.fetch('/openapi.json'));
  });
  after(() => served.close());

  it('names every resource, what it is for, and the problems that it may answer', () => {
    assert.equal(document.openapi, '3.1.0');
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ at: `${method} ${path}`, ...operation })),
    );
    for (const at of [
      'post /v1/classify',
      'post /v1/models/{model}/verify',
      'get /v1/models/{model}/versions/{version}',
      'put /v1/models/{model}/aliases/{alias}',
      'delete /v1/models/{model}',
      'delete /v1/models/{model}/aliases/{alias}',
      'delete /v1/datasets/{dataset}',
      'put /v1/datasets/{dataset}/images/{class}/{file}',
      'post /v1/datasets/{dataset}/uploads',
      'get /v1/trainings/{id}/events',
      'delete /v1/trainings/{id}',
      'post /v1/imports',
      'get /v1/imports/{id}/events',
    ]) {
      assert.ok(
        operations.some((operation) => operation.at === at),
        at,
      );
    }
    for (const { at, summary, tags, responses } of operations) {
      assert.ok(summary && tags.length === 1, at);
      for (const [status, { content }] of Object.entries(responses)) {
        if (Number(status) >= 400)
          assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], at);
      }
    }
  });

  it('leads with each of its references to something', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, to = '']) => to,
    );
    assert.ok(references.length > 10);
    for (const reference of references) {
      const found = reference
        .split('/')
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
      assert.ok(found, reference);
    }
  });

  it('can be read as a page that loads nothing', async () => {
    const response = await served.fetch('/docs');
    const page = await response.text();

    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
    assert.doesNotMatch(page, /<(?:script|img|link|iframe)|\b(?:src|srcset)=|url\(|https?:/);
    for (const path of Object.keys(document.paths)) assert.ok(page.includes(`<code>${path}</code>`), path);
    for (const [, target = ''] of page.matchAll(/href="#([^"]+)"/g)) {
      assert.ok(page.includes(`id="${target}"`), target);
    }
  });

  it('is where whoever opens the address in a browser is led to', async () => {
    const response = await served.fetch('/', { redirect: 'manual' });

    assert.equal(response.status, 302);
    assert.equal(new URL(response.headers.get('location') ?? '', `${served.url}/`).pathname, '/docs');
  });

  it('is not sent again to whoever has it', async () => {
    for (const at of ['/docs', '/openapi.json']) {
      const etag = (await served.fetch(at)).headers.get('etag') ?? '';
      const again = await served.fetch(at, { headers: { 'if-none-match': etag } });
      assert.deepEqual([again.status, await again.text()], [304, '']);
    }
  });

  it('is that of a client whose answers have their types', async () => {
    const client = kindredClient(served.url);

    const models = await client.v1.models.$get();
    const answer = await client.v1.models[':model'].classify.$post(
      { param: { model: 'colours' }, query: { top: '1' } },
      { init: { body: new Uint8Array(await (await picture('red', 1)).read()) } },
    );

    assert.ok(models.ok && answer.ok);
    const [model] = (await models.json()).models;
    const { version, results } = await answer.json();
    assert.deepEqual([model?.versions, version], [[1], 1]);
    assert.deepEqual(
      results.map((result) => ('error' in result ? result.error : result.class)),
      ['red'],
    );
  });
});
