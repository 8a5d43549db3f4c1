/**
 * What each recipe gets right, through the command line as users run it: trains on FOLDER/train, is judged on FOLDER/test, and where there
 * is FOLDER/unknown, on how it tells those pictures of no class from the test pictures.
 *
 *   node --import tsx bench/accuracy.ts [FOLDER ...] [--recipe metric --recipe 'metric epochs=0 poolings=mean' ...] [--seeds 0,1,2] [--out FILE]
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
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
    recipe: { type: 'string', multiple: true, default: ['metric', 'fast', 'siamese'] },
    seeds: { type: 'string', default: '0,1,2' },
    out: { type: 'string', default: 'bench/results/accuracy.json' },
  },
});

interface Run {
  readonly set: string;
  /** Its name, and the options that are not its defaults. */
  readonly recipe: string;
  readonly seed: number;
  readonly testImages: number;
  readonly accuracy: number;
  readonly mapAtR: number;
  /** Of the pretrained backbone's features as they are, on the same pictures. */
  readonly untrained: number;
  readonly seconds: number;
  /** Where the set has pictures of no class. */
  readonly unknown?: Unknown;
}

/** Of what `kindred evaluate --unknown` gives. */
interface Unknown {
  readonly images: number;
  readonly auroc: number;
  readonly falseAcceptanceAt95: number;
  readonly oscr: number;
  readonly points: Readonly<Record<string, Point>>;
}

interface Point {
  readonly binds: 'falseRejection' | 'falseAcceptance';
  readonly targetFalseRejection: number;
  readonly targetFalseAcceptance: number | null;
  readonly falseRejection: number;
  readonly falseAcceptance: number;
}

const command = fileURLToPath(new URL('../bin/kindred.mjs', import.meta.url));
const runProgram = promisify(execFile);

/** What a command prints with --json, run in a process of its own. */
async function kindred<T>(args: readonly string[]): Promise<T> {
  const { stdout } = await runProgram(process.execPath, [command, ...args, '--json']);
  return JSON.parse(stdout) as T;
}

/** `metric epochs=0` as the command line has it. */
const withOptions = (recipe: string): string[] => {
  const [name = '', ...options] = recipe.split(/\s+/);
  return [name, ...options.flatMap((option) => ['--option', option])];
};

/** One training in a registry of its own. */
async function train(folder: string, recipe: string, seed: number): Promise<Run> {
  const registry = await mkdtemp(path.join(tmpdir(), 'kindred-accuracy-'));
  const place = ['--registry', registry, '--model', 'bench'];
  const [data, test, strangers] = ['train', 'test', 'unknown'].map((part) => path.join(folder, part)) as [
    string,
    string,
    string,
  ];
  try {
    const { metrics, seconds } = await kindred<{ metrics: Record<string, number>; seconds: number }>(
      [
        'train',
        data,
        '--test',
        test,
        '--recipe',
        ...withOptions(recipe),
        '--seed',
        String(seed),
        '--no-check',
      ].concat(place),
    );
    const { testImages = 0, accuracy = Number.NaN, mapAtR = Number.NaN } = metrics;
    const { baselineAccuracy: untrained = Number.NaN } = metrics;
    const set = path.basename(path.resolve(folder));
    const run = { set, recipe, seed, testImages, accuracy, mapAtR, untrained, seconds };
    if (!existsSync(strangers)) return run;
    const evaluation = ['evaluate', test, '--unknown', strangers, ...place];
    return { ...run, unknown: (await kindred<{ unknown: Unknown }>(evaluation)).unknown };
  } finally {
    await rm(registry, { recursive: true, force: true });
  }
}

const folders = positionals.length === 0 ? ['samples/clothing10'] : positionals;
const report = { date: new Date().toISOString(), machine: describeMachine(), runs: [] as Run[] };
for (const folder of folders) {
  for (const recipe of flags.recipe) {
    for (const seed of flags.seeds.split(',').map(Number)) {
      process.stderr.write(`${folder}, ${recipe}, seed ${seed}\n`);
      report.runs.push(await train(folder, recipe, seed));
      await mkdir(path.dirname(flags.out), { recursive: true });
      await writeFile(flags.out, `${JSON.stringify(report, null, 2)}\n`);
    }
  }
}

const rows = report.runs.map(({ set, recipe, seed, testImages, accuracy, mapAtR, untrained, seconds }) => [
  set,
  recipe,
  String(seed),
  `${Math.round(accuracy * testImages)} of ${testImages}`,
  accuracy.toFixed(3),
  mapAtR.toFixed(3),
  untrained.toFixed(3),
  seconds.toFixed(0),
]);
const head = ['set', 'recipe', 'seed', 'right', 'accuracy@1', 'MAP@R', 'untrained', 'seconds'];
process.stdout.write(`${table([head, ...rows])}\n`);

const share = (value: number): string => `${(value * 100).toFixed(1)} %`;
const pointRows = report.runs.flatMap(({ set, recipe, seed, unknown }) =>
  Object.entries(unknown?.points ?? {}).map(([name, point]) => [
    set,
    recipe,
    String(seed),
    unknown?.auroc.toFixed(3) ?? '',
    unknown?.oscr.toFixed(3) ?? '',
    share(unknown?.falseAcceptanceAt95 ?? Number.NaN),
    name,
    point.binds === 'falseRejection'
      ? `${share(point.targetFalseRejection)} known`
      : `${share(point.targetFalseAcceptance ?? Number.NaN)} unknown`,
    share(point.falseRejection),
    share(point.falseAcceptance),
  ]),
);
const pointHead =
  'set,recipe,seed,AUROC,open-set rate,unknown at 95 % known,point,aim,known called unknown,unknown called known'.split(
    ',',
  );
if (pointRows.length > 0) process.stdout.write(`\n${table([pointHead, ...pointRows])}\n`);
process.stdout.write(`\nWritten to ${flags.out}\n`);
