/**
 * How much of the code a newcomer meets on the four ways through it: the files and functions that are entered while a model is trained, an image is
 * classified, a new image of a dataset reaches the gallery, and a training is started through the API. Counted from V8's coverage of all processes and
 * threads that take part. `node --import tsx bench/entered.ts`
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const ROOMS = /^(core|cli|functions|bin)\//;

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
  }[];
}

/** Runs a program and gives the functions that were entered, as `file:name@offset`. */
async function entered(
  program: readonly string[],
  work?: (line: string) => Promise<boolean>,
): Promise<Set<string>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-entered-'));
  try {
    await run(program, { NODE_V8_COVERAGE: folder }, work);
    const found = new Set<string>();
    for (const file of readdirSync(folder)) {
      const { result } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { result: Script[] };
      for (const { url, functions } of result) {
        if (!url.startsWith('file:')) continue;
        const name = path.relative(root, fileURLToPath(url.replace(/\?.*$/, '')));
        if (!ROOMS.test(name)) continue;
        for (const { functionName, ranges } of functions) {
          const [range] = ranges;
          // The function without a name that begins with the file is the file itself.
          if (range === undefined || range.count === 0 || functionName === '') continue;
          found.add(`${name}:${functionName}@${range.startOffset}`);
        }
      }
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Until the program ends, or `work` says of a line of its output that it is done. */
async function run(
  program: readonly string[],
  environment: Readonly<Record<string, string>>,
  work?: (line: string) => Promise<boolean>,
): Promise<void> {
  const child = spawn(process.execPath, [...program], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const heard = async (chunk: Buffer): Promise<void> => {
    output += chunk.toString();
    if (work !== undefined && (await work(output))) child.kill('SIGTERM');
  };
  child.stdout.on('data', (chunk: Buffer) => void heard(chunk));
  child.stderr.on('data', (chunk: Buffer) => void heard(chunk));
  const status = await ended;
  if (status !== 0 && work === undefined)
    throw new Error(`${program.join(' ')} ended with ${status}: ${output}`);
}

function report(way: string, functions: ReadonlySet<string>): void {
  const files = new Set([...functions].map((one) => one.slice(0, one.indexOf(':'))));
  console.log(`${way}: ${files.size} files, ${functions.size} functions`);
}

const scratch = mkdtempSync(path.join(os.tmpdir(), 'kindred-entered-registry-'));
const registry = path.join(scratch, 'registry');
const photos = path.join(registry, 'datasets', 'photos');
const samples = path.join(root, 'samples', 'clothing10');
for (const name of ['hat', 'pants', 'shoes']) {
  const images = readdirSync(path.join(samples, 'train', name)).slice(0, 6);
  mkdirSync(path.join(photos, name), { recursive: true });
  for (const image of images)
    cpSync(path.join(samples, 'train', name, image), path.join(photos, name, image));
}
const image = path.join(photos, 'hat', readdirSync(path.join(photos, 'hat'))[0] ?? '');
const kindred = ['bin/kindred.mjs'];
// From the sources: what the set-up compiled is one file.
const flags = ['--registry', registry, '--debug'];

try {
  report('kindred train', await entered([...kindred, 'train', 'photos', '--recipe', 'fast', ...flags]));
  report('kindred classify', await entered([...kindred, 'classify', image, ...flags]));
  const added = path.join(photos, 'hat', 'new.jpg');
  cpSync(path.join(samples, 'test', 'hat', readdirSync(path.join(samples, 'test', 'hat'))[0] ?? ''), added);
  report(
    'kindred gallery sync, of one new image',
    await entered([...kindred, 'gallery', 'sync', 'photos', ...flags]),
  );
  let asked = false;
  report(
    'a training through the API',
    await entered([...kindred, 'serve', '--port', '0', ...flags], async (output) => {
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (address === undefined || asked) return false;
      asked = true;
      return await trained(address);
    }),
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function trained(address: string): Promise<boolean> {
  const started = await fetch(`${address}/v1/trainings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'entered' },
    body: JSON.stringify({ dataset: 'photos', model: 'photos', recipe: 'fast' }),
  });
  const { id, ...rest } = (await started.json()) as { id?: string };
  if (id === undefined) throw new Error(`the training was refused: ${JSON.stringify(rest)}`);
  for (;;) {
    const { state } = (await (await fetch(`${address}/v1/jobs/${id}`)).json()) as { state: string };
    if (state !== 'queued' && state !== 'running') return true;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
