import type { Command } from 'commander';
import type { TrainingJob } from '../../core/jobs/job.ts';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import { isUlid } from '../../core/ulid.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { UNATTENDED, collect, command, share } from '../flags.ts';
import type { TrainFlags } from '../training/request.ts';
import { UsageError } from '../usage.ts';

const HELP = `
Every option of a recipe can be given as --option KEY=VALUE; "--option help" lists them, and the recipes.

Examples:
  kindred train photos/                       one folder a class in photos/; a fifth is held out to test on
  kindred train photos/ --test more-photos/   tested on other pictures
  kindred train photos/ --recipe siamese --epochs 3 --no-promote
  kindred train --resume                      continue the training that was stopped last`;

/** `kindred train DATASET`: from labelled pictures to a version that answers. */
export function trainCommand(): Command {
  return command('train', 'learn the classes of a data set and publish a version', {
    model: 'what the model is called (default: by the data set)',
    seed: true,
  })
    .argument(
      '[dataset]',
      'a folder or s3://BUCKET/PREFIX with <class>/<file>, or a data set in the registry',
    )
    .option('--test <dataset>', 'test on these pictures')
    .option(
      '--hold-out <share>',
      'without --test: hold out this share of the pictures and test on it (default: 0.2)',
      share,
    )
    .option(
      '--recipe <name>',
      'how to train (default: metric); "--option help" lists the recipes and the options of one',
    )
    .option('--epochs <n>', 'rounds of training; "--option help" shows the default')
    .option('--margin <x>', 'how much farther than the positive a negative should be')
    .option('--batch-size <n>', 'triplets per step')
    .option('--learning-rate <x>', 'of the optimizer')
    .option('--miner <name>', 'how triplets are chosen')
    .option('--option <key=value>', 'any other option of the recipe; may be repeated', collect)
    .option(
      '--false-rejection <share>',
      'of known pictures that "balanced" may call unknown (default: 0.05)',
      share,
    )
    .option('--false-acceptance <share>', 'of strangers that "strict" may call known (default: 0.05)', share)
    .option('--no-check', 'skip the check of the images')
    .option('--force', 'let the version answer even when it is worse than the one in production')
    .option('--tolerance <share>', 'the loss of accuracy that is tolerated (default: 0.05)', share)
    .option('--no-promote', 'publish the version without letting it answer')
    .option('--resume [job]', 'continue a stopped training: this one, or the newest that fits')
    .option('--best', 'with --resume: publish the best epoch so far instead of training further')
    .addOption(UNATTENDED)
    .addHelpText('after', HELP)
    .action(async (dataSet: string | undefined, flags: TrainFlags, self: Command) => {
      const context = contextOf(flags);
      const promote = self.getOptionValueSource('promote') === 'cli' ? flags.promote : undefined;
      await train(context, { ...resumeOf(dataSet, flags), promote }, flags);
    });
}

interface Target {
  readonly dataSet: string | undefined;
  /** A job's id, or whether to look for one. */
  readonly resume: string | boolean;
  /** Undefined when nothing was said about it. */
  readonly promote?: boolean | undefined;
}

/** `--resume DATASET` reads as `DATASET --resume`: only a job's id is one. */
function resumeOf(dataSet: string | undefined, { resume = false, best }: TrainFlags): Target {
  if (best && resume === false)
    throw new UsageError('--best is for --resume: it publishes the best epoch so far.');
  if (typeof resume !== 'string' || isUlid(resume)) return { dataSet, resume };
  if (dataSet === undefined) return { dataSet: resume, resume: true };
  throw new UsageError(`${JSON.stringify(resume)} is not the id of a job; "kindred jobs list" shows them.`);
}

async function train(context: Context, target: Target, flags: TrainFlags): Promise<void> {
  const [{ runJob }, { printTraining }, { interruptible }] = await Promise.all([
    import('../training/run.ts'),
    import('../training/report.ts'),
    import('../training/signals.ts'),
  ]);
  if (flags.option?.includes('help')) return printOptions(context, flags);
  const interruption = interruptible(context.terminal);
  try {
    const { request, job } = await askedFor(context, target, flags);
    if (job?.state === 'succeeded') return await tellSucceeded(context, job);
    const resume = job === null ? 'no' : flags.best ? 'best' : 'continue';
    printTraining(context, await runJob(context, { request, job, resume, interruption, check: flags.check }));
  } finally {
    interruption.end();
  }
}

async function askedFor(
  context: Context,
  { dataSet, resume, promote }: Target,
  flags: TrainFlags,
): Promise<{ request: TrainingRequest; job: TrainingJob | null }> {
  const job = resume === false ? null : await jobToGoOnWith(context, { dataSet, resume, promote }, flags);
  if (job !== null) return { request: job.request, job };
  if (dataSet === undefined) {
    throw new UsageError('Name the data set to train on: a folder with one folder a class.');
  }
  const { newRequest } = await import('../training/request.ts');
  return { request: await newRequest(context, dataSet, flags, promote ?? true), job: null };
}

async function jobToGoOnWith(
  context: Context,
  { dataSet, resume, promote }: Target,
  flags: TrainFlags,
): Promise<TrainingJob | null> {
  const [{ wantedOf }, { jobToResume, newestJob, unfinishedJob }] = await Promise.all([
    import('../training/request.ts'),
    import('../training/resume.ts'),
  ]);
  const wanted = await wantedOf(context, dataSet, flags, promote);
  if (typeof resume === 'string') return jobToResume(context, resume, wanted);
  if (dataSet === undefined) return unfinishedJob(context);
  const job = await newestJob(context, wanted);
  if (job === null)
    context.terminal.note(
      'No training on these pictures, with these options and this seed, is unfinished: this one begins now.',
    );
  return job;
}

async function tellSucceeded(context: Context, job: TrainingJob): Promise<void> {
  const { model = job.request.model, version = 0 } = job.result ?? {};
  const { recipe, metrics } = await (await context.registry()).manifest(model, version);
  const seconds = (Date.parse(job.finishedAt ?? '') - Date.parse(job.startedAt ?? '')) / 1000;
  const { promoted = job.request.promote, gate = null } = job.result ?? {};
  context.terminal.json({ model, version, recipe: recipe.name, metrics, seconds, promoted, gate });
  context.terminal.print(`Job ${job.id} is done already: it made ${model}@${version}.`);
}

async function printOptions(context: Context, { recipe }: TrainFlags): Promise<void> {
  const [{ describeOptions }, { chosenRecipe }, { recipeOptions, recipes }] = await Promise.all([
    import('../training/options.ts'),
    import('../training/request.ts'),
    import('../../core/training/recipes/index.ts'),
  ]);
  const { name, summary, options } = await chosenRecipe(recipe);
  const others = Object.values(recipes).filter((each) => each.name !== name);
  const lines = others.map((each) => `  ${each.name}: ${each.summary}`);
  context.terminal.print(`${name}: ${summary}\n${describeOptions({ name, options })}`);
  context.terminal.print(`\nOther recipes:\n${lines.join('\n')}`);
  context.terminal.json({ recipe: name, summary, options: recipeOptions(name, {}) });
}
