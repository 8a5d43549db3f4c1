/**
 * Kindred's training against its peers, side by side in one run: the seed's Keras program, and PyTorch on the same network.
 * Each measurement is a fresh process, the sides take turns, and the middle of the rounds counts. Run it on a quiet machine:
 *
 *   node --import tsx bench/training.ts [--data FOLDER] [--only epoch|steps] [--rounds N] [--pictures 32,64,96] [--keep-memory]
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { backboneWeightsFile, cacheFolder } from '../core/cache.ts';
import { measureEpoch, epochTable } from './epoch.ts';
import { describeMachine } from './machine.ts';
import { peerPython } from './python.ts';
import { measureSteps, stepsTable } from './steps.ts';

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: 'samples/clothing10/train' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    pictures: { type: 'string', default: '32,64,96' },
    heads: { type: 'string', default: 'flatten,pooled' },
    ways: { type: 'string', default: 'eager,folded' },
    'keep-memory': { type: 'boolean', default: false },
    python: { type: 'string', default: 'python3' },
    out: { type: 'string', default: 'bench/results/training.json' },
  },
});

/** A whole number from 1 on; anything else is a mistake in the flag. */
function count(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${flag}: got "${text}", expected a whole number from 1 on`);
}

if (flags.only !== undefined && flags.only !== 'epoch' && flags.only !== 'steps') {
  throw new RangeError(`--only: got "${flags.only}", allowed are epoch and steps`);
}
const cache = cacheFolder(process.env, homedir(), process.platform);
const weights = backboneWeightsFile(cache);
const rounds = count('--rounds', flags.rounds);
const run = { date: new Date().toISOString(), machine: describeMachine() };
/** What was not measured now stays as it was measured last. */
const report: Record<string, unknown> = existsSync(flags.out)
  ? (JSON.parse(await readFile(flags.out, 'utf8')) as Record<string, unknown>)
  : {};
async function write(): Promise<void> {
  await mkdir(path.dirname(flags.out), { recursive: true });
  await writeFile(flags.out, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`Written to ${flags.out}\n`);
}

const scratch = await mkdtemp(path.join(tmpdir(), 'kindred-bench-'));
try {
  if (flags.only !== 'steps') {
    const python = await peerPython('keras', flags.python, cache);
    const epoch = await measureEpoch({ python, weights, data: flags.data, rounds });
    report['epoch'] = { ...run, ...epoch };
    await write();
    process.stdout.write(`The seed's procedure on ${flags.data}\n${epochTable(epoch)}\n\n`);
  }
  if (flags.only !== 'epoch') {
    const python = await peerPython('torch', flags.python, cache);
    const pictures = flags.pictures.split(',').map((text) => count('--pictures', text));
    const [heads, ways] = [flags.heads.split(','), flags.ways.split(',')];
    const steps = await measureSteps({
      python,
      weights,
      scratch,
      pictures,
      heads,
      ways,
      rounds,
      keepMemory: flags['keep-memory'],
    });
    report['steps'] = { ...run, sides: steps };
    await write();
    process.stdout.write(`Seconds a training step, from cached maps\n${stepsTable(steps)}\n\n`);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
