/**
 * What each recipe gets right, through the command line as users run it: trains on FOLDER/train, is judged on FOLDER/test.
 *
 *   node --import tsx bench/accuracy.ts [FOLDER ...] [--recipes metric,siamese] [--seeds 0,1,2] [--out FILE]
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { describeMachine } from './machine.ts';
import { table } from './table.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    recipes: { type: 'string', default: 'metric,siamese' },
    seeds: { type: 'string', default: '0,1,2' },
    out: { type: 'string', default: 'bench/results/accuracy.json' },
  },
});

interface Run {
  readonly set: string;
  readonly recipe: string;
  readonly seed: number;
  readonly testImages: number;
  readonly accuracy: number;
  readonly mapAtR: number;
  readonly seconds: number;
}

const command = fileURLToPath(new URL('../bin/kindred.mjs', import.meta.url));
const runProgram = promisify(execFile);

/** One training in a process and a registry of its own. */
async function train(folder: string, recipe: string, seed: number): Promise<Run> {
  const registry = await mkdtemp(path.join(tmpdir(), 'kindred-accuracy-'));
  try {
    const flagsOfRun = ['--test', path.join(folder, 'test'), '--recipe', recipe, '--seed', String(seed)];
    const place = ['--registry', registry, '--model', 'bench', '--json'];
    const data = path.join(folder, 'train');
    const { stdout } = await runProgram(process.execPath, [command, 'train', data, ...flagsOfRun, ...place]);
    const { metrics, seconds } = JSON.parse(stdout) as { metrics: Record<string, number>; seconds: number };
    const { testImages = 0, accuracy = Number.NaN, mapAtR = Number.NaN } = metrics;
    return { set: path.basename(path.resolve(folder)), recipe, seed, testImages, accuracy, mapAtR, seconds };
  } finally {
    await rm(registry, { recursive: true, force: true });
  }
}

const folders = positionals.length === 0 ? ['samples/clothing10'] : positionals;
const report = { date: new Date().toISOString(), machine: describeMachine(), runs: [] as Run[] };
for (const folder of folders) {
  for (const recipe of flags.recipes.split(',')) {
    for (const seed of flags.seeds.split(',').map(Number)) {
      process.stderr.write(`${folder}, ${recipe}, seed ${seed}\n`);
      report.runs.push(await train(folder, recipe, seed));
      await mkdir(path.dirname(flags.out), { recursive: true });
      await writeFile(flags.out, `${JSON.stringify(report, null, 2)}\n`);
    }
  }
}

const rows = report.runs.map(({ set, recipe, seed, testImages, accuracy, mapAtR, seconds }) => [
  set,
  recipe,
  String(seed),
  `${Math.round(accuracy * testImages)} of ${testImages}`,
  accuracy.toFixed(3),
  mapAtR.toFixed(3),
  seconds.toFixed(0),
]);
const head = ['set', 'recipe', 'seed', 'right', 'accuracy@1', 'MAP@R', 'seconds'];
process.stdout.write(`${table([head, ...rows])}\n\nWritten to ${flags.out}\n`);
