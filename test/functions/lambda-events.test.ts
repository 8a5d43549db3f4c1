import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ingested } from '../../core/ingest/reconcile.ts';
import { handle } from 'hono/aws-lambda';
import type { LambdaEvent } from 'hono/aws-lambda';
import { Hono } from 'hono';
import { apiEnvironment, environmentSchemas, ingestEnvironment } from '../../functions/environment.ts';
import { grantOfAuthorizer } from '../../functions/lambda/authorizer.ts';
import { requireHttpEvent } from '../../functions/lambda/http-event.ts';
import { ingestMessages } from '../../functions/lambda/ingest-messages.ts';
import type { IngestWork } from '../../functions/lambda/ingest-messages.ts';
import { objectEvents } from '../../functions/lambda/object-events.ts';
import { throughEventBridge, fromS3 } from './lambda-support.ts';

const NAMES = ['datasets/clothes/hat/1.jpg', 'base/datasets/Größe 大/a+b & c%20?.png', 'x/ü=1,2/100%.jpg'];

describe('what S3 says about an object', () => {
  for (const key of NAMES) {
    it(`has the key that the object has: ${key}`, () => {
      const expected = [{ bucket: 'pictures', key }];

      assert.deepEqual(objectEvents(throughEventBridge('pictures', key)), expected);
      assert.deepEqual(objectEvents(throughEventBridge('pictures', key, 'Object Deleted')), expected);
      for (const kind of [
        'ObjectCreated:Put',
        's3:ObjectCreated:CompleteMultipartUpload',
        'ObjectRemoved:Delete',
      ])
        assert.deepEqual(objectEvents(fromS3('pictures', key, kind)), expected);
    });
  }

  it('may be nothing about what an object is', () => {
    assert.deepEqual(objectEvents(throughEventBridge('b', 'k', 'Object Tags Added')), []);
    assert.deepEqual(objectEvents(fromS3('b', 'k', 'ObjectTagging:Put')), []);
    const test = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-11-24T00:00:00Z', Bucket: 'b' };
    assert.deepEqual(objectEvents(test), []);
  });

  it('is refused when it is something else', () => {
    const record = { eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' };
    for (const message of [
      null,
      'text',
      {},
      [],
      { Records: [{ eventSource: 'aws:sns' }] },
      { Records: [record] },
      { Records: [{ ...record, s3: { bucket: { name: 'b' }, object: { key: '%ff' } } }] },
      { source: 'aws.ec2', 'detail-type': 'Object Created', detail: {} },
    ]) {
      assert.throws(() => objectEvents(message), { code: 'invalid-input' });
    }
  });
});

describe('messages about objects', () => {
  const address = { bucket: 'pictures', base: 'base/' };
  const message = (messageId: string, body: unknown) => ({ messageId, body: JSON.stringify(body) });
  const told = (key: string): unknown => throughEventBridge('pictures', `base/${key}`);

  function working(
    take: (keys: readonly string[]) => readonly Ingested[],
  ): IngestWork & { asked: string[][] } {
    const asked: string[][] = [];
    return {
      address,
      asked,
      left: () => 60_000,
      log: () => undefined,
      take: async (keys) => {
        asked.push([...keys]);
        return take(keys);
      },
    };
  }

  it('are taken up together, each picture once, and only those of data sets in this registry', async () => {
    const work = working(() => []);

    const failed = await ingestMessages(
      [
        message('1', told('datasets/a/b/1.png')),
        message('2', told('datasets/a/b/1.png')),
        message('3', told('models/colours/versions/1/gallery/01.arrow')),
        message('4', told('jobs/1/job.json')),
        message('5', throughEventBridge('other', 'base/datasets/a/b/2.png')),
        message('6', throughEventBridge('pictures', 'datasets/a/b/3.png')),
        message('7', fromS3('pictures', 'base/datasets/a/b/ü 4.png')),
      ],
      work,
    );

    assert.deepEqual(failed, []);
    assert.deepEqual(work.asked, [['datasets/a/b/1.png', 'datasets/a/b/ü 4.png']]);
  });

  it('ask nothing when none of them is about a picture', async () => {
    const work = working(() => []);

    assert.deepEqual(await ingestMessages([message('1', told('models/x'))], work), []);
    assert.deepEqual(work.asked, []);
  });

  it('fail alone, those that nobody understands', async () => {
    const work = working((keys) =>
      keys.map((key) => ({ key, outcome: 'rejected', reason: 'why', model: 'm', version: 1 })),
    );

    const failed = await ingestMessages(
      [
        message('fine', told('datasets/a/b/1.png')),
        { messageId: 'no JSON', body: '{' },
        message('no event', { hello: 1 }),
      ],
      work,
    );

    assert.deepEqual(failed.toSorted(), ['no JSON', 'no event']);
  });

  it('are tried one by one when they fail together, as long as there is time', async () => {
    let left = 60_000;
    const work = working((keys) => {
      if (keys.includes('datasets/a/b/poison.png')) throw new Error('poison');
      if (keys.includes('datasets/a/b/3.png')) left = 1000;
      return [];
    });
    const names = ['1.png', 'poison.png', '3.png', '4.png'];

    const failed = await ingestMessages(
      names.map((name) => message(name, told(`datasets/a/b/${name}`))),
      { ...work, left: () => left },
    );

    assert.deepEqual(failed, ['poison.png', '4.png']);
    assert.equal(work.asked.length, 4);
  });
});

describe('a request of an HTTP API', () => {
  const app = new Hono().all('*', (c) => c.json({ path: decodeURIComponent(new URL(c.req.url).pathname) }));
  const answer = handle(app);
  const asked = async (rawPath: string): Promise<string> => {
    const event = { version: '2.0', rawPath, rawQueryString: '', headers: { host: 'x' } };
    const requestContext = { domainName: 'x', http: { method: 'GET', path: rawPath } };
    const { body } = (await answer(
      requireHttpEvent({ ...event, requestContext } as unknown as LambdaEvent),
    )) as { body: string };
    return (JSON.parse(body) as { path: string }).path;
  };

  for (const name of ['hat', 'Größe 大', 'a+b & c', 'why?', '#1', '100%', '[x]', "it's (here)"]) {
    it(`comes to where it was sent, whether its path was decoded on the way or not: ${name}`, async () => {
      assert.equal(await asked(`/v1/x/${name}`), `/v1/x/${name}`);
      assert.equal(await asked(`/v1/x/${encodeURIComponent(name)}`), `/v1/x/${name}`);
    });
  }

  it('is refused when it is another event', () => {
    for (const event of [null, {}, { rawPath: '/' }, { path: '/', httpMethod: 'GET', requestContext: {} }])
      assert.throws(() => requireHttpEvent(event), { code: 'invalid-input' });
  });
});

describe('an authorizer before the interface', () => {
  const options = { claim: 'scope', prefix: '' };
  const eventOf = (claims: unknown) => ({
    requestContext: { authorizer: { jwt: { claims, scopes: null } } },
  });

  it('tells what may be done by the claim, however the issuer writes it', () => {
    const scopes = (claims: unknown, more = {}) =>
      grantOfAuthorizer(eventOf(claims), { ...options, ...more })?.scopes;

    assert.deepEqual(scopes({ scope: 'openid classify read' }), ['classify', 'read']);
    assert.deepEqual(scopes({ scp: '[classify train]' }, { claim: 'scp' }), ['classify', 'train']);
    assert.deepEqual(scopes({ scope: 'kindred/classify admin' }, { prefix: 'kindred/' }), ['classify']);
    assert.deepEqual(scopes({ scope: 'classifyread' }), []);
    assert.deepEqual(scopes({ sub: 'x' }), []);
  });

  it('is missed when it was not there, whatever the request says of itself', () => {
    const headers = { authorization: 'Bearer x', 'x-amzn-claims': '{"scope":"admin"}' };
    for (const requestContext of [undefined, {}, { authorizer: {} }, { authorizer: { jwt: {} } }])
      assert.equal(grantOfAuthorizer({ headers, requestContext }, options), null);
  });
});

describe('the environment of the functions', () => {
  const least = { KINDRED_REGISTRY: 's3://bucket/prefix' };

  it('has defaults for all that a deployment need not decide', () => {
    assert.equal(ingestEnvironment(least).KINDRED_CACHE, '/tmp/kindred');
    const api = apiEnvironment({
      ...least,
      KINDRED_AUTH: 'tokens',
      KINDRED_MODEL: '',
      KINDRED_VERSIONS: '3',
    });
    assert.deepEqual([api.KINDRED_VERSIONS, api.KINDRED_MODEL, api.KINDRED_LOOK_MS], [3, undefined, 2000]);
  });

  it('does not let the interface start without a decision on who may ask', () => {
    assert.throws(() => apiEnvironment(least), /KINDRED_AUTH/);
    assert.throws(() => apiEnvironment({ ...least, KINDRED_AUTH: 'nobody' }), /KINDRED_AUTH is "nobody"/);
  });

  it('is refused as a whole, with everything that is wrong', () => {
    const wrong = { KINDRED_REGISTRY: './folder', KINDRED_VERSIONS: 'many', KINDRED_LOG_LEVEL: 'loud' };
    assert.throws(
      () => ingestEnvironment(wrong),
      /KINDRED_REGISTRY is "\.\/folder".*KINDRED_LOG_LEVEL.*KINDRED_VERSIONS is "many"/,
    );
  });

  it('says of every variable what it is for', () => {
    for (const { shape } of Object.values(environmentSchemas))
      for (const [name, schema] of Object.entries(shape)) assert.ok(schema.meta()?.description, name);
  });
});
