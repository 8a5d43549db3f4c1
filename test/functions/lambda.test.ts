/** The packages that are deployed, run by Lambda's own runtime emulator and client, over a real S3 server. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createJob } from '../../core/jobs/job.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { registryTokens } from '../../core/registry/registry-tokens.ts';
import { createToken } from '../../core/registry/tokens.ts';
import { s3Store } from '../../core/storage/s3.ts';
import { bundleLambda } from '../../scripts/bundle/lambda-package.mjs';
import { picture, pictures, publishColours, SHARP } from '../core/registry/colours.ts';
import { author } from '../core/registry/support.ts';
import { whyNoGo } from '../support/go-programs.ts';
import { startEmulator } from '../support/lambda-emulator.ts';
import type { Emulator } from '../support/lambda-emulator.ts';
import { missingLambdaTools } from '../support/lambda-tools.ts';
import { countedIn } from '../support/log-patterns.ts';
import { startS3 } from '../support/s3-server.ts';
import type { S3Server } from '../support/s3-server.ts';
import { fromS3, httpEvent, sqsEvent, throughEventBridge } from './lambda-support.ts';
import type { HttpAsked } from './lambda-support.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Classified {
  readonly version: number;
  readonly results: readonly { readonly class: string; readonly distance: number }[];
}

const skip = whyNoGo() || ((await missingLambdaTools()) ?? false);

describe('the functions in Lambda', { skip }, () => {
  let s3: S3Server;
  let folder: string;
  let bucket: string;
  let registry: Registry;
  let token: string;
  let api: Emulator;
  let behindAuthorizer: Emulator;
  let ingest: Emulator;
  const started: Emulator[] = [];

  async function start(handler: string, environment: Record<string, string>): Promise<Emulator> {
    const emulator = await startEmulator({
      folder: path.join(folder, 'package'),
      handler,
      environment: {
        ...s3.environment,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        KINDRED_REGISTRY: `s3://${bucket}/base`,
        KINDRED_CACHE: path.join(folder, 'cache'),
        ...environment,
      },
    });
    started.push(emulator);
    return emulator;
  }

  async function ask(emulator: Emulator, asked: HttpAsked): Promise<Answered> {
    const { statusCode, body } = (await emulator.invoke(httpEvent(asked))) as HttpAnswer;
    return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> };
  }

  const withToken = (more: Record<string, string> = {}) => ({ authorization: `Bearer ${token}`, ...more });

  async function classified(content: Uint8Array): Promise<Classified> {
    const headers = withToken({ 'content-type': 'image/png' });
    const asked = { method: 'POST', path: '/v1/classify', query: 'top=1', headers, body: content };
    const { status, body } = await ask(api, asked);
    assert.equal(status, 200, JSON.stringify(body));
    return body as unknown as Classified;
  }

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-lambda-'));
    s3 = await startS3();
    bucket = await s3.bucket();
    await bundleLambda({ root: ROOT, folder: path.join(folder, 'package'), arch: process.arch });
    registry = openRegistry(s3Store(`s3://${bucket}/base`, s3.options));
    const train = await pictures(['red', 'green', 'blue'], 0, 4);
    for (const one of train) {
      const [className = '', file = ''] = one.key.split('/');
      await registry.addToDataSet('colours', { className, file, bytes: await one.read() });
    }
    await publishColours(registry, SHARP, train, [], { follows: 'colours' });
    await registry.move('colours', 'production', 1, author);
    ({ token } = await createToken(registryTokens(registry.store), {
      name: 't',
      scopes: ['classify', 'upload'],
      createdBy: 'a test',
    }));
    api = await start('api.handler', { KINDRED_AUTH: 'tokens', KINDRED_LOOK_MS: '0' });
    behindAuthorizer = await start('api.handler', { KINDRED_AUTH: 'authorizer' });
    ingest = await start('ingest.handler', {});
  });

  after(async () => {
    await Promise.all(started.map((emulator) => emulator.stop()));
    await s3?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('classify a picture', async (t) => {
    const content = await (await picture('red', 9)).read();

    const { version, results } = await classified(content);

    assert.equal(version, 1);
    assert.equal(results[0]?.class, 'red');
    t.diagnostic(`initialisation ${api.initMs()} ms`);
    // The network came to the local storage, whole and under its checksum.
    const { files } = await registry.manifest('colours', 1);
    assert.deepEqual(await readdir(path.join(folder, 'cache')), [files['embedding.onnx']?.sha256]);
  });

  it('let nobody in without a token, or with one that may not', async () => {
    const asked = { method: 'POST', path: '/v1/classify', body: await (await picture('red', 9)).read() };

    const statuses = [
      await ask(api, asked),
      await ask(api, { ...asked, headers: { authorization: 'Bearer kindred_x' } }),
      await ask(api, { ...asked, claims: { scope: 'admin' } }),
      await ask(api, { path: '/v1/models', headers: withToken() }),
      await ask(api, { path: '/healthz' }),
    ].map(({ status }) => status);

    assert.deepEqual(statuses, [401, 401, 401, 403, 200]);
  });

  it('go by what an authorizer found, where they are told that one stands before them', async () => {
    const asked = { path: '/v1/models' };

    const statuses = [
      await ask(behindAuthorizer, asked),
      await ask(behindAuthorizer, { ...asked, headers: withToken() }),
      await ask(behindAuthorizer, { ...asked, claims: { sub: 'me', scope: 'classify' } }),
      await ask(behindAuthorizer, { ...asked, claims: { sub: 'me', scope: 'openid read' } }),
    ].map(({ status }) => status);

    assert.deepEqual(statuses, [401, 401, 403, 200]);
  });

  it('have the names of pictures right, whatever is in them', async () => {
    const body = await (await picture('red', 10)).read();
    for (const [className, file] of [
      ['Größe 大', 'a+b & c.png'],
      ['50%', "it's #1 [x].png"],
    ] as const) {
      const { status, body: answer } = await ask(api, {
        method: 'PUT',
        path: `/v1/datasets/names/images/${className}/${file}`,
        headers: withToken({ 'content-type': 'image/png' }),
        body,
      });

      assert.equal(status, 200, JSON.stringify(answer));
      assert.deepEqual((await registry.store.get(`datasets/names/${className}/${file}`))?.bytes, body);
    }
  });

  it('tell a training that goes on as far as it is, and when to ask again', async () => {
    const request = { dataSet: 'colours', testSet: null, holdOut: 0.2, model: 'colours', recipe: 'fast' };
    const { id } = await createJob(registry.store, { ...request, options: {}, seed: 0, promote: false });
    const asked = { path: `/v1/trainings/${id}/events`, claims: { scope: 'read' } };

    const { statusCode, body, isBase64Encoded } = (await behindAuthorizer.invoke(
      httpEvent(asked),
    )) as HttpAnswer;

    const events = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
    assert.equal(statusCode, 200);
    assert.match(events, /^retry: \d+\n[^]*data: \{.*"state":"queued"/);
  });

  it('answer an event of another kind with an error, and go on', async () => {
    const answer = (await api.invoke({ hello: 'there' })) as { errorMessage?: string };

    assert.match(answer.errorMessage ?? '', /payload format 2\.0/);
    assert.equal((await ask(api, { path: '/healthz' })).status, 200);
  });

  describe('told of pictures that came and went', () => {
    const keyOf = (file: string): string => `base/datasets/colours/${file}`;
    const failures = async (bodies: readonly unknown[]): Promise<string[]> => {
      const answer = (await ingest.invoke(sqsEvent(bodies))) as {
        batchItemFailures: { itemIdentifier: string }[];
      };
      assert.ok(Array.isArray(answer.batchItemFailures), JSON.stringify(answer));
      return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    };
    const put = (file: string, bytes: Uint8Array): Promise<void> => s3.put(bucket, keyOf(file), bytes);

    it('have the interface recognise a picture of a new class, once, however often it is told', async () => {
      const [yellow, another] = await Promise.all(
        [3, 4].map(async (n) => (await picture('yellow', n)).read()),
      );
      assert.notEqual((await classified(another as Uint8Array)).results[0]?.class, 'gelb + grün 黄');
      const file = 'gelb + grün 黄/1 +.png';
      await put(file, yellow as Uint8Array);
      const message = throughEventBridge(bucket, keyOf(file));

      assert.deepEqual(await failures([message, message]), []);
      assert.deepEqual(await failures([message]), []);
      assert.deepEqual(await failures([fromS3(bucket, keyOf(file))]), []);

      const { results } = await classified(another as Uint8Array);
      assert.equal(results[0]?.class, 'gelb + grün 黄');
      assert.equal((await registry.changes('colours')).length, 1);
    });

    it('name only the messages that failed', async () => {
      await put('broken/1.png', (await (await picture('red', 1)).read()).slice(0, 60));
      await put('black/1.png', await (await picture('black', 255)).read());
      const told = (file: string): unknown => throughEventBridge(bucket, keyOf(file));

      const failed = await failures([
        told('black/1.png'),
        told('broken/1.png'),
        'poison',
        { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: bucket },
        throughEventBridge(bucket, 'base/models/colours/aliases/production.json'),
      ]);

      assert.deepEqual(failed, ['message-3']);
      assert.match(
        ingest.output(),
        /"level":"warning","model":"colours","version":1,"key":"datasets\/colours\/broken\/1\.png","outcome":"rejected"/,
      );
      // On AWS its metric is counted in this entry, and in no other.
      const entries = [...ingest.output().matchAll(/^\{"at".*\}$/gm)].map(
        ([line]) => JSON.parse(line) as object,
      );
      assert.deepEqual(
        entries
          .map((entry) => countedIn(entry as Record<string, unknown>))
          .filter((counted) => 'Rejected' in counted),
        [{ Rejected: 1 }],
      );
      const { results } = await classified(await (await picture('black', 250)).read());
      assert.equal(results[0]?.class, 'black');
    });

    it('have a deleted one leave', async () => {
      await registry.store.delete('datasets/colours/black/1.png');

      assert.deepEqual(
        await failures([throughEventBridge(bucket, keyOf('black/1.png'), 'Object Deleted')]),
        [],
      );

      const { results } = await classified(await (await picture('black', 250)).read());
      assert.notEqual(results[0]?.class, 'black');
    });

    it('take events without a queue as well', async () => {
      await put('black/2.png', await (await picture('black', 240)).read());

      assert.deepEqual(await ingest.invoke(throughEventBridge(bucket, keyOf('black/2.png'))), {});
      const failed = (await ingest.invoke({ poison: true })) as {
        errorMessage?: string;
      };

      assert.match(failed.errorMessage ?? '', /could not be taken up/);
      assert.equal((await classified(await (await picture('black', 250)).read())).results[0]?.class, 'black');
    });
  });
});
