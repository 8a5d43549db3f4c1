/**
 * What a GPU gives: pictures a second through the frozen backbone, training steps, both beside PyTorch on the same GPU in the same run,
 * and what TF32 costs in accuracy. Needs `npm run setup -- --gpu`; with --device cpu it does the same on the processor.
 *
 *   node --import tsx bench/gpu.ts [--device cuda|cpu] [--batches 16,32,64] [--pictures 32,64,96] [--rounds N] [--skip-accuracy]
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backboneWeightsFile, cacheFolder } from '../core/cache.ts';
import type { ForwardResult } from './kindred-forward.ts';
import { describeMachine } from './machine.ts';
import { runJson } from './processes.ts';
import { peerPython } from './python.ts';
import { median } from './results.ts';
import { kindredForward, torchForward } from './sides.ts';
import { measureSteps, stepsTable } from './steps.ts';
import { table } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    device: { type: 'string', default: 'cuda' },
    batches: { type: 'string', default: '16,32,64' },
    pictures: { type: 'string', default: '32,64,96' },
    rounds: { type: 'string', default: '3' },
    size: { type: 'string', default: '288' },
    data: { type: 'string', default: 'samples/clothing10' },
    'skip-accuracy': { type: 'boolean', default: false },
    python: { type: 'string', default: 'python3' },
    out: { type: 'string', default: 'bench/results/gpu.json' },
  },
});

const { device } = flags;
if (device !== 'cuda' && device !== 'cpu') {
  throw new RangeError(`--device: got "${device}", allowed are cuda and cpu`);
}
const cache = cacheFolder(process.env, homedir(), process.platform);
const weights = backboneWeightsFile(cache);
const rounds = Number(flags.rounds);
const numbers = (text: string): number[] => text.split(',').map(Number);
const KINDRED = fileURLToPath(new URL('../bin/kindred.mjs', import.meta.url));

interface ForwardRounds {
  readonly batch: number;
  readonly torch: readonly ForwardResult[];
  readonly kindred: readonly ForwardResult[];
}

/** The pass forward of every size of batch, the sides in turn. */
async function measureForward(python: string): Promise<ForwardRounds[]> {
  const all: ForwardRounds[] = [];
  for (const batch of numbers(flags.batches)) {
    const work = { weights, batch, size: Number(flags.size), warmup: 3, steps: 10 };
    const one: { torch: ForwardResult[]; kindred: ForwardResult[] } = { torch: [], kindred: [] };
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`forward, ${batch} pictures at once, round ${round} of ${rounds}\n`);
      one.torch.push(await torchForward(python, work, device));
      one.kindred.push(await kindredForward(work));
    }
    all.push({ batch, ...one });
  }
  return all;
}

function forwardTable(all: readonly ForwardRounds[]): string {
  const rate = (batch: number, results: readonly ForwardResult[]): number =>
    batch / median(results.flatMap(({ seconds }) => seconds));
  const rows = all.map(({ batch, torch, kindred }) => {
    const [theirs, ours] = [rate(batch, torch), rate(batch, kindred)];
    const [a = Number.NaN, b = Number.NaN] = [torch[0]?.norm, kindred[0]?.norm];
    const gap = `${((100 * Math.abs(a - b)) / a).toFixed(3)} %`;
    return [String(batch), theirs.toFixed(1), ours.toFixed(1), (ours / theirs).toFixed(2), gap];
  });
  return table([
    ['pictures at once', 'PyTorch, pictures/s', 'Kindred', 'times as fast', 'features differ by'],
    ...rows,
  ]);
}

interface Trained {
  readonly metrics: { readonly accuracy: number };
  readonly seconds: number;
}

/** The default recipe with and without TF32: NVIDIA's libraries take the variable. */
async function measureAccuracy(scratch: string): Promise<Record<string, Trained>> {
  const made: Record<string, Trained> = {};
  for (const [name, override] of [
    ['TF32', ''],
    ['32 bits', '0'],
  ] as const) {
    process.stderr.write(`accuracy, ${name}\n`);
    const folder = path.join(scratch, name.replace(' ', '-'));
    const place = ['--registry', path.join(folder, 'registry'), '--model', 'bench', '--json'];
    const data = [path.join(flags.data, 'train'), '--test', path.join(flags.data, 'test')];
    // A cache of its own, or the second training would take the first one's features.
    const environment = { KINDRED_CACHE: path.join(folder, 'cache') };
    await mkdir(environment.KINDRED_CACHE, { recursive: true });
    await symlink(path.dirname(weights), path.join(environment.KINDRED_CACHE, 'weights'));
    made[name] = await runJson<Trained>(
      process.execPath,
      [KINDRED, 'train', ...data, ...place],
      override === '' ? environment : { ...environment, NVIDIA_TF32_OVERRIDE: override },
    );
  }
  return made;
}

const scratch = await mkdtemp(path.join(tmpdir(), 'kindred-bench-gpu-'));
try {
  const python = await peerPython('torch', flags.python, cache);
  const report: Record<string, unknown> = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    device,
  };
  const forward = await measureForward(python);
  report['forward'] = forward;
  process.stdout.write(`Pictures of ${flags.size} pixels through ResNet50\n${forwardTable(forward)}\n\n`);
  const steps = await measureSteps({
    python,
    weights,
    scratch,
    pictures: numbers(flags.pictures),
    heads: ['flatten'],
    ways: ['eager'],
    rounds,
    keepMemory: false,
    device,
  });
  report['steps'] = steps;
  process.stdout.write(`Seconds a training step, from cached maps\n${stepsTable(steps)}\n\n`);
  if (!flags['skip-accuracy']) {
    const accuracy = await measureAccuracy(scratch);
    report['accuracy'] = accuracy;
    const rows = Object.entries(accuracy).map(([name, { metrics, seconds }]) => [
      name,
      metrics.accuracy.toFixed(3),
      seconds.toFixed(0),
    ]);
    process.stdout.write(`The default recipe\n${table([['numbers', 'accuracy', 'seconds'], ...rows])}\n\n`);
  }
  await writeFile(flags.out, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`Written to ${flags.out}\n`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
