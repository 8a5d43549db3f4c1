/** The stacks, deployed with the CDK's own command onto an emulated AWS: ministack, and for Batch moto. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createToken } from '../../core/registry/tokens.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { openStore } from '../../core/storage/open.ts';
import { bundleLambda } from '../../scripts/bundle/lambda-package.mjs';
import { ACCOUNT, REGION, startMinistack } from './aws.ts';
import type { Emulator } from './aws.ts';
import { BatchEmulator, DEFINITION, QUEUE } from './batch.ts';
import { startRightsProxy } from './rights.ts';
import type { RightsProxy, Statement } from './rights.ts';
import type { ContainerEngine } from './batch.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = path.join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
const STACKS = ['stateful', 'api', 'ingest'];

export interface Options {
  /** What trainings run on; processes of this checkout unless told. */
  readonly engine?: ContainerEngine;
  /** What is chosen beside what the emulators need. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** What roles may do with the bucket; then requests pass through what refuses all else. */
  readonly rights?: Readonly<Record<Role, readonly Statement[]>>;
  /** Does each step of the deployment, and may tell of it. */
  readonly step?: <T>(what: string, work: () => Promise<T>) => Promise<T>;
}

/** Whose requests to the bucket are looked at. */
export type Role = 'api' | 'ingest' | 'training';

export interface Sent {
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** The token; that of the deployment unless told, none when empty. */
  readonly as?: string;
}

export interface Answered<T> {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: T;
}

export class Deployment {
  readonly batch: BatchEmulator;
  readonly registry: Registry;
  /** Whose token may do everything. */
  readonly token: string;
  /** What was asked of the bucket, by role; empty where nothing looks. */
  readonly asked: Readonly<Partial<Record<Role, RightsProxy>>>;
  readonly #aws: Emulator;
  readonly #outputs: Outputs;

  private constructor({ aws, batch, asked }: Started, outputs: Outputs, registry: Registry, token: string) {
    this.#aws = aws;
    this.asked = asked;
    this.#outputs = outputs;
    this.batch = batch;
    this.registry = registry;
    this.token = token;
  }

  /** Starts the emulators and deploys. @throws when something of that fails; then nothing is left running */
  static async start({
    engine,
    configuration = {},
    rights,
    step = (_, work) => work(),
  }: Options = {}): Promise<Deployment> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-deploy-'));
    const started = await step('emulators of AWS started', () => startEmulators(engine, rights));
    try {
      const outputs = await deploy(folder, started, configuration, step);
      const uri = outputOf(outputs, 'stateful', 'Registry');
      const { aws, batch, asked } = started;
      await batch.makeQueue(uri, { ...aws.environment, ...behind(asked.training) });
      const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'a secret of the tests' };
      const s3 = { endpoint: `http://127.0.0.1:${aws.port}`, region: REGION, pathStyle: true, credentials };
      const registry = openRegistry(openStore(uri, { s3 }));
      const wanted = { name: 'a user', scopes: ['admin'], createdBy: 'a user' } as const;
      const { token } = await createToken(registry.store, wanted);
      return new Deployment(started, outputs, registry, token);
    } catch (error) {
      await stopAll(started);
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** What a stack says of itself; the first output whose name begins so. */
  output(stack: string, name: string): string {
    return outputOf(this.#outputs, stack, name);
  }

  /** A request to the HTTP API's address, as it is called there. */
  async ask<T>(
    method: string,
    at: string,
    { body, headers = {}, as = this.token }: Sent = {},
  ): Promise<Answered<T>> {
    const [id] = new URL(this.output('api', 'Url')).host.split('.');
    const { port } = this.#aws;
    const request = http.request({
      host: '127.0.0.1',
      port,
      method,
      path: at,
      headers: {
        host: `${id}.execute-api.localhost:${port}`,
        ...(as !== '' && { authorization: `Bearer ${as}` }),
        ...headers,
      },
    });
    request.end(body);
    return new Promise((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('error', reject).on('end', () => {
          const parsed = JSON.parse(text === '' ? 'null' : text) as T;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed });
        });
      });
    });
  }

  /** A request to SQS. */
  async sqs<T>(action: string, body: object): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#aws.port}/`, {
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

  /** @param name an output of the stack of ingest */
  queueUrl(name: string): string {
    return `http://127.0.0.1:${this.#aws.port}/${ACCOUNT}/${this.output('ingest', name)}`;
  }

  async stop(): Promise<void> {
    await stopAll({ aws: this.#aws, batch: this.batch, asked: this.asked });
  }
}

type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

function outputOf(outputs: Outputs, stack: string, name: string): string {
  const [value = ''] = Object.entries(outputs[`kindred-${stack}`] ?? {})
    .filter(([key]) => key.startsWith(name))
    .map(([, found]) => found);
  return value;
}

interface Started {
  readonly aws: Emulator;
  readonly batch: BatchEmulator;
  readonly asked: Partial<Record<Role, RightsProxy>>;
}

async function startEmulators(
  engine: ContainerEngine | undefined,
  rights: Options['rights'],
): Promise<Started> {
  const batch = await (engine === undefined ? BatchEmulator.start() : BatchEmulator.on(engine));
  try {
    // Batch is moto's; ministack's functions ask it there.
    const aws = await startMinistack({
      AWS_ENDPOINT_URL_BATCH: String(batch.environment['AWS_ENDPOINT_URL']),
    });
    const asked: Started['asked'] = {};
    for (const [role, statements] of Object.entries(rights ?? {}))
      asked[role as Role] = await startRightsProxy(aws.port, statements);
    return { aws, batch, asked };
  } catch (error) {
    await batch.close();
    throw error;
  }
}

/** Environment of a process whose requests to the bucket are looked at. */
function behind(proxy: RightsProxy | undefined): Record<string, string> {
  return proxy === undefined ? {} : { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxy.port}` };
}

async function stopAll({ aws, batch, asked }: Started): Promise<void> {
  for (const proxy of Object.values(asked)) await proxy.stop();
  await aws.stop();
  await batch.close();
}

async function deploy(
  folder: string,
  { aws, asked }: Started,
  configuration: Readonly<Record<string, unknown>>,
  step: NonNullable<Options['step']>,
): Promise<Outputs> {
  const bundle = path.join(folder, 'package');
  const { arch } = process;
  await step('functions packed', () => bundleLambda({ root: ROOT, folder: path.join(bundle, arch), arch }));
  const config = path.join(folder, 'config.json');
  const training = { existing: { queue: QUEUE, job: DEFINITION } };
  writeFileSync(config, JSON.stringify({ ...configuration, bundle, architecture: arch, training }));
  const app = path.join(folder, 'out');
  // Nothing that would lead to an account, a proxy or Docker.
  const synth = ['synth', '--quiet', '--output', app, '--context', `kindred=${config}`];
  await step('cdk synth', () => cdk(folder, synth, { CDK_DOCKER: '/no-docker' }));
  for (const stack of ['api', 'ingest'] as const) putBehind(app, stack, asked[stack]);
  const environment = {
    ...aws.environment,
    AWS_ENDPOINT_URL: `http://localhost:${aws.port}`,
    AWS_ENDPOINT_URL_S3: `http://localhost:${aws.port}`,
  };
  const bootstrap = ['bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', app];
  await step('cdk bootstrap', () => cdk(folder, bootstrap, environment));
  const stacks = STACKS.map((name) => `kindred-${name}`);
  const file = path.join(folder, 'outputs.json');
  const flags = ['--app', app, '--require-approval', 'never', '--outputs-file', file];
  await step(`cdk deploy ${stacks.join(' ')}`, () =>
    cdk(folder, ['deploy', ...stacks, ...flags], environment),
  );
  return JSON.parse(readFileSync(file, 'utf8')) as Outputs;
}

/** Has the function of a stack ask for the bucket there. */
function putBehind(app: string, stack: string, proxy: RightsProxy | undefined): void {
  const file = path.join(app, `kindred-${stack}.template.json`);
  const template = JSON.parse(readFileSync(file, 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: { Environment?: { Variables: object } } }>;
  };
  for (const { Type, Properties } of Object.values(template.Resources))
    if (Type === 'AWS::Lambda::Function')
      Object.assign(Properties.Environment?.Variables ?? {}, behind(proxy));
  writeFileSync(file, JSON.stringify(template));
}

/** Runs the CDK's command. */
async function cdk(
  home: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const { PATH } = process.env;
  const options = {
    cwd: ROOT,
    env: { PATH, HOME: home, CDK_DISABLE_CLI_TELEMETRY: 'true', ...environment },
    maxBuffer: 2 ** 26,
  };
  await promisify(execFile)(process.execPath, [CDK, ...args, '--no-notices'], options);
}
