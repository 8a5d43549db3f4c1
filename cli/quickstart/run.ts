import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import type { Context } from '../context.ts';
import { duration } from '../output/format.ts';
import { printAnswer } from '../output/answer.ts';
import { registryFlag, shellQuoted } from '../output/shell.ts';
import { printAccuracy, printPromotion } from '../training/report.ts';
import { newestJob } from '../training/resume.ts';
import { runJob } from '../training/run.ts';
import { interruptible } from '../training/signals.ts';
import { loadVersion, storedEvaluation } from '../version.ts';
import { remembered } from './remembered.ts';
import { showcase } from './showcase.ts';

const MODEL = 'clothing10';
const SAMPLES = fileURLToPath(new URL('../../samples/clothing10/', import.meta.url));
const TRAIN = path.join(SAMPLES, 'train');
const TEST = path.join(SAMPLES, 'test');

export interface QuickstartOptions {
  /** Train even when there is a version already. */
  readonly again: boolean;
  readonly seed: number;
}

/** Trains on the samples unless that was done, and shows how good the version is and what it says of some test pictures. */
export async function quickstart(context: Context, options: QuickstartOptions): Promise<void> {
  const { terminal } = context;
  const { version, seconds } = (await existing(context, options)) ?? (await trained(context, options));
  const registry = await context.registry();
  const evaluation = await storedEvaluation(context, { model: MODEL, version });
  if (evaluation !== null) printAccuracy(terminal, evaluation);
  const { recipe, metrics, checksum } = await registry.manifest(MODEL, version);
  const lastChange = (await registry.changes(MODEL)).at(-1)?.id ?? '';
  const shown = await remembered(context, `${checksum}${lastChange}`, async () =>
    showcase(context, await loadVersion(context, `${MODEL}@${version}`), TEST, evaluation?.confusion ?? null),
  );
  const results = shown.map(({ picture, ...rest }) => ({
    image: path.relative('.', path.join(TEST, picture)),
    ...rest,
  }));
  terminal.print('\nSome of the test pictures, each with its nearest relatives:\n');
  for (const result of results) printAnswer(terminal, result, result.actual);
  terminal.json({ model: MODEL, version, recipe: recipe.name, metrics, seconds, results });
  terminal.print(nextSteps(context, results[0]?.image ?? 'IMAGE'));
}

interface Made {
  readonly version: number;
  /** Null when it was made before. */
  readonly seconds: number | null;
}

/** What answers for the model now. */
async function existing(context: Context, { again }: QuickstartOptions): Promise<Made | null> {
  if (again) return null;
  const alias = await (await context.registry()).alias(MODEL, 'production');
  if (alias === null) return null;
  context.terminal.print(
    `${MODEL}@${alias.version} is trained already; these are its results. To train anew: kindred quickstart --again\n`,
  );
  return { version: alias.version, seconds: null };
}

/** Trains, or goes on with a quickstart that was stopped. */
async function trained(context: Context, { seed }: QuickstartOptions): Promise<Made> {
  const interruption = interruptible(context.terminal);
  const request: TrainingRequest = {
    dataSet: TRAIN,
    testSet: TEST,
    holdOut: 0,
    model: MODEL,
    recipe: 'metric',
    options: {},
    seed,
    promote: true,
  };
  const stopped = await newestJob(context, request);
  const goOn = stopped !== null && stopped.state !== 'succeeded';
  context.terminal.print(
    `${goOn ? 'Going on with the training on' : 'Training on'} the ten kinds of clothes in samples/clothing10; this takes a few minutes.\n`,
  );
  try {
    const result = await runJob(context, {
      request,
      job: goOn ? stopped : null,
      resume: goOn ? 'continue' : 'no',
      interruption,
    });
    context.terminal.print(`Made ${MODEL}@${result.version} in ${duration(result.seconds)}.\n`);
    printPromotion(context.terminal, result);
    return result;
  } finally {
    interruption.end();
  }
}

function nextSteps({ registryUri }: Context, image: string): string {
  const registry = registryFlag(registryUri);
  return `
Next, in this folder:
  npx kindred classify ${shellQuoted(image)}${registry}
  npx kindred models report ${MODEL}${registry}        a page to open in a browser: the mistakes as pictures, class by class
  npx kindred train FOLDER${registry}        with your own pictures: one folder a class
  npx kindred models list${registry}
  npx kindred --help`;
}
