/** The CDK's own command, onto an emulated AWS: what it needs, and the stacks that the emulators can have. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleLambda } from '../../scripts/bundle/lambda-package.mjs';
import { ACCOUNT, REGION } from './aws.ts';
import type { Emulator } from './aws.ts';
import { DEFINITION, QUEUE } from './batch.ts';
import type { BatchEmulator } from './batch.ts';
import type { RightsProxy } from './rights.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = path.join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
const STACKS = ['stateful', 'api', 'ingest'].map((name) => `kindred-${name}`);

/** Whose requests to the bucket, and to Parameter Store, are looked at. */
export type Role = 'api' | 'ingest' | 'training';

/** Does a step of the deployment, and may tell of it. */
export type Step = <T>(what: string, work: () => Promise<T>) => Promise<T>;

export interface Started {
  readonly aws: Emulator;
  readonly batch: BatchEmulator;
  readonly asked: Partial<Record<Role, RightsProxy>>;
}

/** By stack, then by output. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Packs the functions, makes the templates, and deploys them. @returns what the stacks say of themselves */
export async function deploy(
  folder: string,
  { aws, asked }: Started,
  configuration: Readonly<Record<string, unknown>>,
  step: Step,
): Promise<Outputs> {
  const bundle = path.join(folder, 'package');
  const { arch } = process;
  await step('functions packed', () => bundleLambda({ root: ROOT, folder: path.join(bundle, arch), arch }));
  const config = path.join(folder, 'config.json');
  const training = { existing: { queue: QUEUE, job: DEFINITION } };
  writeFileSync(config, JSON.stringify({ ...configuration, bundle, architecture: arch, training }));
  const app = appIn(folder);
  // Nothing that would lead to an account, a proxy or Docker.
  const synth = ['synth', '--quiet', '--output', app, '--context', `kindred=${config}`];
  const alone = await withoutNetwork();
  await step('cdk synth', () => cdk(folder, synth, { CDK_DOCKER: '/no-docker' }, alone));
  for (const stack of ['api', 'ingest'] as const) putBehind(app, stack, asked[stack]);
  const environment = reaching(aws);
  const bootstrap = ['bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', app];
  await step('cdk bootstrap', () => cdk(folder, bootstrap, environment));
  const file = path.join(folder, 'outputs.json');
  const flags = ['--app', app, '--require-approval', 'never', '--outputs-file', file];
  await step(`cdk deploy ${STACKS.join(' ')}`, () =>
    cdk(folder, ['deploy', ...STACKS, ...flags], environment),
  );
  return JSON.parse(readFileSync(file, 'utf8')) as Outputs;
}

/** Deletes the stacks. @param folder that they were deployed from */
export async function destroy(folder: string, aws: Emulator): Promise<void> {
  await cdk(folder, ['destroy', ...STACKS, '--app', appIn(folder), '--force'], reaching(aws));
}

const appIn = (folder: string): string => path.join(folder, 'out');

/** Environment of the CDK's command, which does not take 127.0.0.1. */
function reaching({ environment, port }: Emulator): Record<string, string> {
  const at = `http://localhost:${port}`;
  return { ...environment, AWS_ENDPOINT_URL: at, AWS_ENDPOINT_URL_S3: at };
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
  before: readonly string[] = [],
): Promise<void> {
  const { PATH } = process.env;
  const options = {
    cwd: ROOT,
    env: { PATH, HOME: home, CDK_DISABLE_CLI_TELEMETRY: 'true', ...environment },
    maxBuffer: 2 ** 26,
  };
  const command = [...before, process.execPath, CDK, ...args, '--no-notices'];
  await promisify(execFile)(command[0] ?? '', command.slice(1), options);
}

/** What a command is put behind so that it sees no network; nothing where the system lacks it or does not let us. */
async function withoutNetwork(): Promise<string[]> {
  const before = ['--map-root-user', '--net'];
  return promisify(execFile)('unshare', [...before, 'true']).then(
    () => ['unshare', ...before],
    () => [],
  );
}

/** Environment of a process whose requests are looked at. */
export function behind(proxy: RightsProxy | undefined): Record<string, string> {
  if (proxy === undefined) return {};
  const at = `http://127.0.0.1:${proxy.port}`;
  return { AWS_ENDPOINT_URL_S3: at, AWS_ENDPOINT_URL_SSM: at };
}
