/** The stacks, deployed with the CDK's own command onto an emulated AWS: ministack, and for Batch moto. */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { ssmTokens } from '../../core/registry/ssm/tokens.ts';
import type { TokenStore } from '../../core/registry/token-store.ts';
import { createToken } from '../../core/registry/tokens.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { openStore } from '../../core/storage/open.ts';
import { ACCOUNT, REGION, startMinistack } from './aws.ts';
import type { Emulator } from './aws.ts';
import { BatchEmulator } from './batch.ts';
import type { ContainerEngine } from './batch.ts';
import { behind, deploy, destroy } from './cdk-command.ts';
import type { Outputs, Role, Started, Step } from './cdk-command.ts';
import { startRightsProxy } from './rights.ts';
import type { RightsProxy, Statement } from './rights.ts';

export interface Options {
  /** What trainings run on; processes of this checkout unless told. */
  readonly engine?: ContainerEngine;
  /** What is chosen beside what the emulators need. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** What roles may do with the bucket and parameters; then requests pass through what refuses all else. */
  readonly rights?: Readonly<Record<Role, readonly Statement[]>>;
  /** Does each step of the deployment, and may tell of it. */
  readonly step?: Step;
}

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
  /** Where tokens are kept. */
  readonly tokens: TokenStore;
  /** What was asked of the bucket and of Parameter Store, by role; empty where nothing looks. */
  readonly asked: Readonly<Partial<Record<Role, RightsProxy>>>;
  readonly #folder: string;
  readonly #aws: Emulator;
  readonly #outputs: Outputs;

  private constructor(
    folder: string,
    { aws, batch, asked }: Started,
    outputs: Outputs,
    registry: Registry,
    tokens: TokenStore,
    token: string,
  ) {
    this.#folder = folder;
    this.#aws = aws;
    this.asked = asked;
    this.#outputs = outputs;
    this.batch = batch;
    this.registry = registry;
    this.tokens = tokens;
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
      const place = { endpoint: `http://127.0.0.1:${aws.port}`, region: REGION, credentials };
      const registry = openRegistry(openStore(uri, { s3: { ...place, pathStyle: true } }));
      const tokens = ssmTokens(outputOf(outputs, 'api', 'Tokens'), place);
      const wanted = { name: 'a user', scopes: ['admin'], createdBy: 'a user' } as const;
      const { token } = await createToken(tokens, wanted);
      return new Deployment(folder, started, outputs, registry, tokens, token);
    } catch (error) {
      await stopAll(started);
      rmSync(folder, { recursive: true, force: true });
      throw error;
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

  /** Deletes the stacks, as the CDK's command does; the emulators run on. */
  async destroy(): Promise<void> {
    await destroy(this.#folder, this.#aws);
  }

  /** Lets the stack with the bucket be deleted. */
  async unprotect(): Promise<void> {
    const Action = 'UpdateTerminationProtection';
    const asked = { Action, StackName: 'kindred-stateful', EnableTerminationProtection: 'false' };
    const response = await fetch(`http://127.0.0.1:${this.#aws.port}/`, {
      method: 'POST',
      body: new URLSearchParams({ ...asked, Version: '2010-05-15' }),
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20260101/${REGION}/cloudformation/aws4_request`,
      },
    });
    if (!response.ok) throw new Error(`${Action}: ${response.status} ${await response.text()}`);
  }

  async stop(): Promise<void> {
    await stopAll({ aws: this.#aws, batch: this.batch, asked: this.asked });
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function outputOf(outputs: Outputs, stack: string, name: string): string {
  const [value = ''] = Object.entries(outputs[`kindred-${stack}`] ?? {})
    .filter(([key]) => key.startsWith(name))
    .map(([, found]) => found);
  return value;
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

async function stopAll({ aws, batch, asked }: Started): Promise<void> {
  for (const proxy of Object.values(asked)) await proxy.stop();
  await aws.stop();
  await batch.close();
}
