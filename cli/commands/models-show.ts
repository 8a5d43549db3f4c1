import type { Command } from 'commander';
import { z } from 'zod';
import { CorruptDataError, SkewError } from '../../core/errors.ts';
import type { Calibration } from '../../core/gallery/calibration.ts';
import { readCalibration } from '../../core/registry/evaluation.ts';
import type { Manifest } from '../../core/registry/manifest.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenVersion } from '../models.ts';
import { bytes, count, counted, decimal, moment, percent, settings } from '../output/format.ts';
import { pointsText } from '../output/points.ts';
import { registryFlag } from '../output/shell.ts';
import { facts, table } from '../output/table.ts';

interface Flags extends CommonFlags {
  readonly verify?: boolean;
}

const trainingSchema = z.object({
  parameters: z.object({ trainable: z.int(), other: z.int() }),
});

/** `kindred models show [MODEL]`: where a version comes from, what it measured, and its files. */
export function showModelCommand(): Command {
  return command('show', 'show a version: recipe, metrics, parameters, files', {
    model: 'the same as [model]',
  })
    .argument('[model]', 'NAME, NAME@ALIAS or NAME@N')
    .option('--verify', 'also hold every file against its checksum, and the engine against golden pictures')
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const { model, version } = await chosenVersion(context, named ?? flags.model);
      const registry = await context.registry();
      const manifest = await registry.manifest(model, version);
      const aliases = (await registry.aliases(model)).filter((each) => each.version === version);
      const { parameters } = await trainingOf(context, manifest);
      const damaged = flags.verify ? await registry.verify(model, version) : undefined;
      const isWhole = damaged === undefined || damaged.length === 0;
      const skew = flags.verify && isWhole ? await skewOf(context, manifest) : undefined;
      const calibration = isWhole ? await readCalibration(registry, manifest) : null;
      const shown = {
        ...manifest,
        aliases: aliases.map(({ alias }) => alias),
        parameters,
        additions: (await registry.changes(model)).map(({ id }) => id),
        ...(isWhole && { points: calibration && calibration.points }),
        ...(damaged === undefined ? {} : { damaged }),
        ...(skew === undefined ? {} : { skew }),
      };
      context.terminal.json(shown);
      print(context, shown, isWhole ? calibration : undefined);
      for (const reason of [...(damaged ?? []).map((each) => each.reason), ...(skew ? [skew] : [])]) {
        context.terminal.note(reason);
        process.exitCode = 1;
      }
    });
}

/** Why the engine may not answer for the version, or null when it reproduces its golden pictures. */
async function skewOf(context: Context, { model, version }: Manifest): Promise<string | null> {
  const { loadVersion } = await import('../version.ts');
  try {
    (await loadVersion(context, `${model}@${version}`)).embedder.dispose();
    return null;
  } catch (error) {
    if (error instanceof SkewError) return error.message;
    throw error;
  }
}

async function trainingOf(
  context: Context,
  { model, version }: Manifest,
): Promise<z.infer<typeof trainingSchema>> {
  const bytesOfIt = await (await context.registry()).file(model, version, 'training.json');
  try {
    return trainingSchema.parse(JSON.parse(Buffer.from(bytesOfIt).toString('utf8')));
  } catch (cause) {
    throw new CorruptDataError(`training.json of ${model}@${version} cannot be read.`, { cause });
  }
}

interface Shown extends Manifest {
  readonly aliases: readonly string[];
  readonly parameters: { readonly trainable: number; readonly other: number };
  readonly additions: readonly string[];
}

function print(
  { terminal, registryUri }: Context,
  shown: Shown,
  calibration: Calibration | null | undefined,
): void {
  const { recipe, dataSet, testSet, parameters, engine, libraries, parent, additions } = shown;
  terminal.print(
    facts({
      version: `${shown.model}@${shown.version}`,
      aliases: shown.aliases.join(', ') || 'none',
      made: `${moment(shown.createdAt)} UTC by ${shown.createdBy}`,
      job: shown.job,
      recipe: `${recipe.name} ${settings(recipe.options)}`.trim(),
      seed: String(shown.seed),
      'trainable parameters': count(parameters.trainable),
      'other parameters': count(parameters.other),
      'data set': `${dataSet.name}, ${counted(dataSet.pictures.length, 'picture')}`,
      'test set': testSet === null ? null : `${testSet.name}, ${counted(testSet.pictures.length, 'picture')}`,
      parent: parent === null ? null : `${parent.model}@${parent.version}`,
      engine: pairs(engine),
      libraries: pairs(libraries),
      'gallery changes': additions.length === 0 ? null : counted(additions.length, 'change'),
    }).trimEnd(),
  );
  const metrics = Object.entries(shown.metrics).map(([name, value]) => [name, metricText(name, value)]);
  terminal.print(`\n${table([{ title: 'METRIC' }, { title: 'VALUE', align: 'right' }], metrics).trimEnd()}`);
  if (calibration !== undefined) terminal.print(`\n${pointsText(calibration)}`);
  const files = Object.entries(shown.files).map(([name, { size, sha256 }]) => [name, bytes(size), sha256]);
  const columns = [
    { title: 'FILE' },
    { title: 'SIZE', align: 'right' as const },
    { title: 'SHA-256', widest: 64 },
  ];
  terminal.print(`\n${table(columns, files).trimEnd()}`);
  if (Object.hasOwn(shown.files, 'report.html')) {
    const reference = `${shown.model}@${shown.version}${registryFlag(registryUri)}`;
    terminal.print(`\nIts report, with the mistakes as pictures: kindred models report ${reference}`);
  }
}

const pairs = (record: Readonly<Record<string, string>>): string =>
  Object.entries(record)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

function metricText(name: string, value: unknown): string {
  if (typeof value !== 'number') return JSON.stringify(value);
  if (/accuracy|rejection|acceptance/i.test(name)) return percent(value);
  return Number.isInteger(value) ? count(value) : decimal(value);
}
