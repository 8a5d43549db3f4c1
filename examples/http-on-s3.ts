/**
 * From pictures to answers with nothing but HTTP, on a registry in S3: uploads the training pictures to addresses that the server gives out,
 * has a model trained, follows that, and asks for the class of pictures that it has not seen.
 *
 *   npm run example                              with an S3 server of its own, built once (needs Go)
 *   npm run example -- --registry s3://BUCKET/PREFIX      in a bucket of yours; who asks: see docs/s3.md
 *   npm run example -- --data FOLDER             with your own pictures: FOLDER/train/<class>/<file> and FOLDER/test/<class>/<file>
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { picturesOf, some, upload } from './pictures.ts';
import type { Picture, Upload } from './pictures.ts';

const { values: flags } = parseArgs({
  options: {
    registry: { type: 'string' },
    data: { type: 'string', default: fileURLToPath(new URL('../samples/clothing10', import.meta.url)) },
    recipe: { type: 'string', default: 'fast' },
    options: { type: 'string', default: '{}' },
    ask: { type: 'string', default: '20' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const DATA_SET = 'example';

/** Asks the server; an answer that says no ends the program. */
async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok)
    throw new Error(`${init.method ?? 'GET'} ${url}: ${response.status} ${await response.text()}`);
  return response;
}

const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** Uploads go straight to the bucket. */
async function uploadTo(server: string, pictures: readonly Picture[]): Promise<void> {
  await upload(pictures, async (files) => {
    const answer = await ask(`${server}/v1/datasets/${DATA_SET}/uploads`, json({ files }));
    return ((await answer.json()) as { uploads: Upload[] }).uploads;
  });
}

interface Training {
  readonly id: string;
  readonly state: string;
  readonly error?: unknown;
}

/** Starts a training and says what it says, until it has ended. */
async function train(server: string): Promise<void> {
  const options = JSON.parse(flags.options) as object;
  const wanted = { dataset: DATA_SET, recipe: flags.recipe, options, promote: true };
  const started = await ask(
    `${server}/v1/trainings`,
    json(wanted, { 'Idempotency-Key': crypto.randomUUID() }),
  );
  const { id } = (await started.json()) as Training;
  const events = await ask(`${server}/v1/trainings/${id}/events`);
  let last: Training | null = null;
  for await (const line of createInterface({ input: Readable.fromWeb(events.body as ReadableStream) })) {
    if (!line.startsWith('data: ')) continue;
    const now = JSON.parse(line.slice('data: '.length)) as Training;
    if (now.state !== last?.state) say(`  training ${id}: ${now.state}`);
    last = now;
  }
  if (last?.state !== 'succeeded') throw new Error(`The training has not succeeded: ${JSON.stringify(last)}`);
}

interface Answer {
  readonly version: number;
  readonly results: readonly [
    {
      readonly class: string;
      readonly known: boolean | null;
      readonly neighbours: readonly [{ readonly key: string }];
    },
  ];
}

/** Asks for the class of every picture, and says how many are right. */
async function classify(server: string, pictures: readonly Picture[]): Promise<void> {
  let right = 0;
  for (const picture of pictures) {
    const body = { method: 'POST', headers: { 'Content-Type': picture.type }, body: picture.bytes };
    const answer = (await (await ask(`${server}/v1/models/${DATA_SET}/classify`, body)).json()) as Answer;
    const [result] = answer.results;
    if (result.class === picture.class) right++;
    const told = `${result.class}${result.known === false ? ' (unknown)' : ''}`;
    say(`  ${picture.class}/${picture.file}: ${told}, like ${result.neighbours[0].key}`);
  }
  say(`${right} of ${pictures.length} right.`);
}

/** `kindred serve` on a free port. */
async function serve(registry: string, environment: Readonly<Record<string, string>>) {
  const program = fileURLToPath(new URL('../bin/kindred.mjs', import.meta.url));
  const args = [program, 'serve', '--registry', registry, '--port', '0'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  });
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`kindred serve ended with ${String(code)}; try it with --registry ${registry}`);
    }),
  ])) as [string];
  const url = /http:\S+/.exec(line)?.[0] ?? '';
  return {
    url,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The bucket that was named, or one of a server that ends with the program. */
async function openRegistry() {
  if (flags.registry !== undefined)
    return { uri: flags.registry, environment: {}, stop: () => Promise.resolve() };
  const { startS3 } = await import('../test/support/s3-server.ts');
  const s3 = await startS3();
  return { uri: `s3://${await s3.bucket()}/kindred`, environment: s3.environment, stop: () => s3.stop() };
}

const known = await picturesOf(path.join(flags.data, 'train'));
const unseen = await picturesOf(path.join(flags.data, 'test'));
const registry = await openRegistry();
try {
  const server = await serve(registry.uri, registry.environment);
  try {
    say(`Kindred serves ${registry.uri} at ${server.url}`);
    await uploadTo(server.url, known);
    say(`${known.length} pictures are uploaded.`);
    await train(server.url);
    await classify(server.url, some(unseen, Number(flags.ask)));
  } finally {
    await server.stop();
  }
} finally {
  await registry.stop();
}
