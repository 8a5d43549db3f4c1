/** The stacks, deployed onto an emulated AWS, and used: pictures, a training on Batch, answers, pictures that come later. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createToken } from '../../core/registry/tokens.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { openStore } from '../../core/storage/open.ts';
import { bundleLambda } from '../../scripts/bundle/lambda-package.mjs';
import { SAMPLES } from '../cli/support.ts';
import { ACCOUNT, REGION, startMinistack } from '../support/aws.ts';
import type { Emulator } from '../support/aws.ts';
import { BatchEmulator, DEFINITION, QUEUE } from '../support/batch.ts';
import { missingPackages } from '../support/python.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = path.join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
const OPTIONS = {
  size: 64,
  scales: [1],
  dimensions: 16,
  classes: 3,
  pictures: 2,
  stepsPerEpoch: 2,
  epochs: 0,
};

interface Answered<T> {
  readonly status: number;
  readonly body: T;
}
interface Classified {
  readonly version: number;
  readonly results: readonly { readonly class: string }[];
}
interface Training {
  readonly id: string;
  readonly state: string;
  readonly result: { readonly version: number } | null;
  readonly error: unknown;
}

const skip = (await missingPackages('aws')) ?? false;

describe('what is deployed', { skip }, () => {
  let folder: string;
  let aws: Emulator;
  let batch: BatchEmulator;
  let outputs: Record<string, Record<string, string>>;
  let registry: Registry;
  let token: string;

  /** Runs the CDK's command. */
  async function cdk(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
    const { PATH } = process.env;
    const options = { cwd: ROOT, env: { PATH, HOME: folder, ...environment }, maxBuffer: 2 ** 26 };
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [CDK, ...args, '--no-notices'],
      options,
    );
    return stdout + stderr;
  }

  async function deploy(): Promise<void> {
    await bundleLambda({
      root: ROOT,
      folder: path.join(folder, 'package', process.arch),
      arch: process.arch,
    });
    const config = path.join(folder, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({
        bundle: path.join(folder, 'package'),
        architecture: process.arch,
        training: { existing: { queue: QUEUE, job: DEFINITION } },
        ingest: { attempts: 2 },
      }),
    );
    const app = path.join(folder, 'out');
    // Nothing that would lead to an account, a proxy or Docker.
    await cdk(['synth', '--quiet', '--output', app, '--context', `kindred=${config}`], {
      CDK_DOCKER: '/no-docker',
    });
    const environment = {
      ...aws.environment,
      AWS_ENDPOINT_URL: `http://localhost:${aws.port}`,
      AWS_ENDPOINT_URL_S3: `http://localhost:${aws.port}`,
    };
    await cdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', app], environment);
    const stacks = ['stateful', 'api', 'ingest'].map((name) => `kindred-${name}`);
    const file = path.join(folder, 'outputs.json');
    const flags = ['--require-approval', 'never', '--outputs-file', file];
    await cdk(['deploy', ...stacks, '--app', app, ...flags], environment);
    outputs = JSON.parse(readFileSync(file, 'utf8')) as typeof outputs;
  }

  const output = (stack: string, name: string): string => {
    const [value = ''] = Object.entries(outputs[`kindred-${stack}`] ?? {})
      .filter(([key]) => key.startsWith(name))
      .map(([, found]) => found);
    return value;
  };

  /** A request to the HTTP API's address, as it is called there. */
  async function ask<T>(
    method: string,
    at: string,
    {
      body,
      headers = {},
      as = token,
    }: { body?: string | Uint8Array; headers?: Record<string, string>; as?: string } = {},
  ): Promise<Answered<T>> {
    const [id] = new URL(output('api', 'Url')).host.split('.');
    const request = http.request({
      host: '127.0.0.1',
      port: aws.port,
      method,
      path: at,
      headers: {
        host: `${id}.execute-api.localhost:${aws.port}`,
        ...(as !== '' && { authorization: `Bearer ${as}` }),
        ...headers,
      },
    });
    request.end(body);
    return new Promise((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text === '' ? 'null' : text) as T }),
        );
      });
    });
  }

  /** A request to SQS. */
  async function sqs<T>(action: string, body: object): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${aws.port}/`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${action}`,
        authorization: `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20260101/${REGION}/sqs/aws4_request`,
      },
    });
    return (await response.json()) as T;
  }
  const queueUrl = (name: string): string => `http://127.0.0.1:${aws.port}/${ACCOUNT}/${name}`;

  const sample = (part: string, className: string, n: number): Uint8Array => {
    const place = path.join(SAMPLES, part, className);
    return new Uint8Array(readFileSync(path.join(place, readdirSync(place).toSorted()[n] ?? '')));
  };
  const classify = async (picture: Uint8Array): Promise<Classified> => {
    const headers = { 'content-type': 'image/jpeg' };
    const { status, body } = await ask<Classified>('POST', '/v1/models/clothes/classify?top=1', {
      body: picture,
      headers,
    });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-deploy-'));
    batch = await BatchEmulator.start();
    // Batch is moto's; its functions ask it there.
    aws = await startMinistack({ AWS_ENDPOINT_URL_BATCH: String(batch.environment['AWS_ENDPOINT_URL']) });
    await deploy();
    const uri = output('stateful', 'Registry');
    await batch.makeQueue(uri, aws.environment);
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'a secret of the tests' };
    const s3 = { endpoint: `http://127.0.0.1:${aws.port}`, region: REGION, pathStyle: true, credentials };
    registry = openRegistry(openStore(uri, { s3 }));
    ({ token } = await createToken(registry.store, {
      name: 'a test',
      scopes: ['admin'],
      createdBy: 'a test',
    }));
  });
  after(async () => {
    await aws?.stop();
    await batch?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers at its address whoever has a token, and nobody else', async () => {
    const statuses = [
      await ask('GET', '/healthz', { as: '' }),
      await ask('GET', '/v1/models', { as: '' }),
      await ask('GET', '/v1/models', { as: 'kindred_wrong' }),
      await ask('GET', '/v1/models'),
    ].map(({ status }) => status);

    assert.deepEqual(statuses, [200, 401, 401, 200]);
  });

  it('trains on pictures of the bucket as a job of Batch, once for a key, and answers with what was made', async () => {
    for (const className of ['hat', 'pants', 'shoes'])
      for (const n of [0, 1, 2, 3])
        await registry.store.put(`datasets/clothes/${className}/${n}.jpg`, sample('train', className, n));
    const wanted = JSON.stringify({ dataset: 'clothes', options: OPTIONS, promote: true });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'the first' };
    const refused = JSON.stringify({ dataset: 'clothes', options: { epoch: 1 } });
    const { status } = await ask('POST', '/v1/trainings', { body: refused, headers });
    const started = await Promise.all(
      [1, 2].map(async () => ask<Training>('POST', '/v1/trainings', { body: wanted, headers })),
    );
    const [id = '', again] = started.map(({ body }) => body.id);
    let training: Training;
    do {
      await sleep(200);
      ({ body: training } = await ask<Training>('GET', `/v1/trainings/${id}`));
      assert.ok(training.error === null, JSON.stringify(training));
    } while (training.state !== 'succeeded');
    const { version, results } = await classify(sample('train', 'hat', 0));

    assert.deepEqual(
      started.map((one) => one.status),
      [202, 202],
    );
    assert.equal(status, 400);
    assert.equal(again, id);
    assert.equal(await batch.jobs(), 1);
    assert.equal(training.result?.version, 1);
    assert.deepEqual([version, results[0]?.class], [1, 'hat']);
  });

  it('recognises what is put into the bucket later, without another training', async () => {
    const dress = sample('train', 'dress', 0);
    const known = (await classify(dress)).results[0]?.class;
    await registry.store.put('datasets/clothes/dress é + 1/1.jpg', dress);
    let found: string | undefined;
    for (const until = Date.now() + 60_000; found !== 'dress é + 1' && Date.now() < until; await sleep(200))
      found = (await classify(dress)).results[0]?.class;

    assert.notEqual(known, 'dress é + 1');
    assert.equal(found, 'dress é + 1');
    assert.deepEqual(await registry.versions('clothes'), [1]);
  });

  it('puts a message aside that cannot be taken up, and goes on', async () => {
    const QueueUrl = queueUrl(output('ingest', 'ExportsOutputFnGetAttPictures'));
    const deadLetters = queueUrl(output('ingest', 'ExportsOutputFnGetAttDeadLetters'));
    // Twelve minutes are too long for a test.
    await sqs('SetQueueAttributes', { QueueUrl, Attributes: { VisibilityTimeout: '1' } });
    await sqs('SendMessage', { QueueUrl, MessageBody: '{"poison":true}' });
    let dead: { Messages?: { Body: string }[] } = {};
    for (const until = Date.now() + 60_000; !dead.Messages?.length && Date.now() < until; await sleep(200))
      dead = await sqs('ReceiveMessage', { QueueUrl: deadLetters });

    assert.equal(dead.Messages?.[0]?.Body, '{"poison":true}');
    assert.equal((await ask('GET', '/healthz')).status, 200);
  });
});
