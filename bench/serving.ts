/**
 * Serving, side by side in one run with ONNX Runtime called bare and with NumPy. Run it on a quiet machine:
 *
 *   node --import tsx bench/serving.ts [--registry URI --model NAME] [--only start,request,search,load,memory] [--rounds N] [--out FILE]
 *
 * Without a registry, a model is trained on the sample pictures first.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../core/cache.ts';
import { parsePreprocessing } from '../core/network/description.ts';
import { bytesOf } from '../core/network/onnx/bytes.ts';
import { readDescription } from '../core/network/onnx/read.ts';
import { openRegistry } from '../core/registry/registry.ts';
import { fsStore } from '../core/storage/fs.ts';
import { describeMachine } from './machine.ts';
import { run } from './processes.ts';
import { peerPython } from './python.ts';
import {
  SAMPLES,
  measureLoad,
  measureMemory,
  measureRequest,
  measureSearch,
  measureStart,
} from './serving/measure.ts';
import type { Subject } from './serving/measure.ts';

const ALL = 'start,request,search,load,memory';
const { values: flags } = parseArgs({
  options: {
    registry: { type: 'string' },
    model: { type: 'string', default: 'clothing10' },
    only: { type: 'string', default: ALL },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    python: { type: 'string', default: 'python3' },
    out: { type: 'string', default: 'bench/results/serving.json' },
  },
});
const rounds = Number(flags.rounds);
const only = new Set(flags.only.split(','));
const scratch = await mkdtemp(path.join(tmpdir(), 'kindred-bench-'));

/** What was not measured now stays as it was measured last. */
const report: Record<string, unknown> = existsSync(flags.out)
  ? (JSON.parse(await readFile(flags.out, 'utf8')) as Record<string, unknown>)
  : {};

async function measure(name: string, work: () => Promise<object>): Promise<void> {
  if (!only.has(name)) return;
  const around = { date: new Date().toISOString(), machine: describeMachine() };
  report[name] = { ...around, ...(await work()) };
  process.stdout.write(`${name} ${JSON.stringify(report[name], null, 1)}\n`);
  await mkdir(path.dirname(flags.out), { recursive: true });
  await writeFile(flags.out, `${JSON.stringify(report, null, 2)}\n`);
}

/** A version of a real model: the one that is named, or a fresh one. */
async function realModel(): Promise<Subject & { readonly megabytes: number }> {
  const registry = flags.registry ?? path.join(scratch, 'registry');
  if (flags.registry === undefined) {
    const program = fileURLToPath(new URL('../bin/kindred.mjs', import.meta.url));
    const [train, test] = [path.join(SAMPLES, 'train'), path.join(SAMPLES, 'test')];
    const place = ['--registry', registry, '--model', flags.model];
    const args = [program, 'train', train, '--test', test, '--epochs', '0', '--no-check'];
    await run(process.execPath, [...args, ...place]);
  }
  const opened = openRegistry(fsStore(registry));
  const { model, version } = await opened.resolve(`${flags.model}@production`);
  const onnx = path.join(registry, 'models', model, 'versions', String(version), 'embedding.onnx');
  const [first = ''] = (await readdir(path.join(SAMPLES, 'test', 'hat'))).toSorted();
  return {
    registry,
    model,
    onnx,
    scratch,
    preprocessing: parsePreprocessing(readDescription(bytesOf(onnx, onnx)), onnx).preprocessing,
    picture: path.join(SAMPLES, 'test', 'hat', first),
    megabytes: (await stat(onnx)).size / 1e6,
  };
}

/** A network of a few numbers, so that requests cost little beside what is around the engine. */
async function tinyModel(subject: Subject): Promise<Subject> {
  // With TensorFlow, which the other measurements do without.
  const { SHARP, picture, pictures, publishColours } = await import('../test/core/registry/colours.ts');
  const registry = path.join(scratch, 'tiny');
  const opened = openRegistry(fsStore(registry));
  await publishColours(opened, SHARP, await pictures(['red', 'green', 'blue'], 0, 4));
  await opened.move('colours', 'production', 1, { by: 'bench', why: 'to be measured' });
  const file = path.join(scratch, 'red.png');
  await writeFile(file, await (await picture('red', 1)).read());
  return { ...subject, registry, model: 'colours', picture: file };
}

try {
  const subject = await realModel();
  const what = { model: { megabytes: subject.megabytes, side: subject.preprocessing.size } };
  await measure('start', async () => ({ ...what, ...(await measureStart(subject, rounds)) }));
  await measure('request', async () => ({ ...what, ...(await measureRequest(subject, rounds)) }));
  await measure('search', async () => {
    const cache = cacheFolder(process.env, homedir(), process.platform);
    return measureSearch(await peerPython('numpy', flags.python, cache), rounds * 2);
  });
  await measure('load', async () => ({ ...what, ...(await measureLoad(subject, Number(flags.seconds))) }));
  await measure('memory', async () => measureMemory(await tinyModel(subject), 20_000));
} finally {
  await rm(scratch, { recursive: true, force: true });
}
