/**
 * How long a Lambda function takes from nothing to its first answer, and to the ones after it: the package that is deployed, in the official
 * runtime emulator, with a registry on a real S3 server (versitygw) of this machine. The emulator gives the function all of the machine, and
 * the server is near, so that Lambda itself is slower: its share of a processor goes with its memory.
 *
 *   node --import tsx bench/lambda.ts [--registry s3://BUCKET/PREFIX] [--rounds 5] [--requests 50] [--out bench/results/lambda.json]
 *
 * Without --registry a model is trained first on the sample pictures; with it, S3 is found as the AWS SDK finds it.
 */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { bundleLambda } from '../scripts/bundle/lambda-package.mjs';
import { httpEvent } from '../test/functions/lambda-support.ts';
import { startEmulator } from '../test/support/lambda-emulator.ts';
import type { Emulator } from '../test/support/lambda-emulator.ts';
import { startS3 } from '../test/support/s3-server.ts';
import { describeMachine } from './machine.ts';
import { run } from './processes.ts';
import { median } from './results.ts';
import { table } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    registry: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '50' },
    out: { type: 'string', default: 'bench/results/lambda.json' },
  },
});

const root = fileURLToPath(new URL('../', import.meta.url));
const samples = path.join(root, 'samples', 'clothing10');
const machine = describeMachine();
const folder = await mkdtemp(path.join(tmpdir(), 'kindred-bench-lambda-'));
const unzipped = path.join(folder, 'package');

/** Milliseconds. */
interface Start {
  /** The function's own code before its first request, by the emulator. */
  readonly init: number;
  /** From the request to its answer, `init` included. */
  readonly first: number;
  readonly second: number;
  /** Of `--requests` more. */
  readonly warm: readonly number[];
}

async function oneStart(environment: Readonly<Record<string, string>>, cache: string): Promise<Start> {
  const emulator = await startEmulator({
    folder: unzipped,
    handler: 'api.handler',
    // Scopes come with the event, as from an authorizer: no token has to be made for the bench.
    environment: {
      ...environment,
      KINDRED_AUTH: 'authorizer',
      KINDRED_CACHE: cache,
      KINDRED_LOG_LEVEL: 'warning',
    },
  });
  try {
    const first = await timed(emulator);
    const second = await timed(emulator);
    const warm: number[] = [];
    for (let i = 0; i < Number(flags.requests); i++) warm.push(await timed(emulator));
    return { init: emulator.initMs() ?? Number.NaN, first, second, warm };
  } finally {
    await emulator.stop();
  }
}

let picture = new Uint8Array();

async function timed(emulator: Emulator): Promise<number> {
  const event = httpEvent({
    method: 'POST',
    path: '/v1/classify',
    headers: { 'content-type': 'image/jpeg' },
    claims: { scope: 'classify' },
    body: picture,
  });
  const began = performance.now();
  const answer = (await emulator.invoke(event)) as { statusCode?: number; body?: string };
  const took = performance.now() - began;
  if (answer.statusCode !== 200) throw new Error(`${JSON.stringify(answer)}\n${emulator.output()}`);
  return took;
}

/** A registry on a server of this machine, with a model of the default size. */
async function trained(): Promise<{ environment: Record<string, string>; stop: () => Promise<void> }> {
  const s3 = await startS3();
  const environment = { ...s3.environment, KINDRED_REGISTRY: `s3://${await s3.bucket()}/bench` };
  const program = path.join(root, 'bin', 'kindred.mjs');
  const options = ['--recipe', 'fast', '--epochs', '1', '--model', 'bench', '--json'];
  const data = path.join(samples, 'train');
  await run(
    process.execPath,
    [program, 'train', data, '--test', path.join(samples, 'test'), ...options],
    environment,
  );
  return { environment, stop: () => s3.stop() };
}

const given = flags.registry;
const { environment, stop } =
  given === undefined
    ? await trained()
    : { environment: awsEnvironment(given), stop: () => Promise.resolve() };
try {
  const { bytes } = await bundleLambda({ root, folder: unzipped, arch: process.arch });
  const [file = ''] = (await readdir(path.join(samples, 'test', 'hat'))).toSorted();
  picture = new Uint8Array(await readFile(path.join(samples, 'test', 'hat', file)));
  const cold: Start[] = [];
  const again: Start[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const cache = path.join(folder, `cache-${round}`);
    cold.push(await oneStart(environment, cache));
    // As after a time-out: a new process, and the local storage as it was.
    again.push(await oneStart(environment, cache));
  }
  const cache = path.join(folder, 'cache-0');
  const copies = await Promise.all((await readdir(cache)).map((name) => readFile(path.join(cache, name))));
  const result = {
    measuredAt: new Date().toISOString(),
    machine,
    architecture: process.arch,
    packageBytes: bytes,
    modelBytes: copies.reduce((sum, { length }) => sum + length, 0),
    pictureBytes: picture.length,
    cold: cold.map(rounded),
    again: again.map(rounded),
  };
  await writeFile(flags.out, `${JSON.stringify(result, null, 2)}\n`);
  const row = (name: string, starts: readonly Start[]): string[] => [
    name,
    ...[
      starts.map(({ init }) => init),
      starts.map(({ first }) => first),
      starts.map(({ second }) => second),
      starts.flatMap(({ warm }) => warm),
    ].map((values) => `${median(values).toFixed(0)} ms`),
  ];
  process.stdout.write(
    `${table([
      ['start', 'initialisation', 'first answer', 'second', 'later ones'],
      row('nothing in local storage', cold),
      row('the network in local storage', again),
    ])}\nMedians. Package ${(bytes / 1e6).toFixed(0)} MB, network ${(result.modelBytes / 1e6).toFixed(0)} MB.\n`,
  );
} finally {
  await stop();
  await rm(folder, { recursive: true, force: true });
}

function rounded({ init, first, second, warm }: Start): Record<string, number> {
  const [p50, p95] = [median(warm), warm.toSorted((a, b) => a - b)[Math.floor(warm.length * 0.95)] ?? 0];
  return Object.fromEntries(
    Object.entries({ init, first, second, warmP50: p50, warmP95: p95 }).map(([name, ms]) => [
      name,
      Math.round(ms * 10) / 10,
    ]),
  );
}

function awsEnvironment(registry: string): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_') || name === 'HOME');
  return { ...(Object.fromEntries(own) as Record<string, string>), KINDRED_REGISTRY: registry };
}
