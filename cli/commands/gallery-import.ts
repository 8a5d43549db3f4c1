import { Option } from 'commander';
import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, UNATTENDED, command, wholeNumber } from '../flags.ts';
import type { ImportFlags } from '../imports/flags.ts';

/** Also said in core/ingest/import/request.ts, which brings more than a command should load before it runs. */
const MOST_PARTS = 10_000;

/** `kindred gallery import DATASET`: all its pictures, under their classes. */
export function importGalleryCommand(): Command {
  return command('import', 'add all pictures of a folder, by their classes', {
    model: ASKED_MODEL,
  })
    .argument(
      '[dataset]',
      'a folder or s3://BUCKET/PREFIX with <class>/<file>, or a data set in the registry',
    )
    .option(
      '--parts <n>',
      'for many pictures: cut them into so many parts, each embedded by a process of its own, and publish once; it can be gone on with',
      wholeNumber(1, MOST_PARTS),
    )
    .option(
      '--at-once <n>',
      'with --parts: how many processes at a time (default: the cores)',
      wholeNumber(1),
    )
    .option('--resume <job>', 'go on with an import in parts that was stopped')
    .addOption(
      new Option('--step <name>', 'do one step of an import in parts, for machines of your own').choices([
        'plan',
        'embed',
        'publish',
      ]),
    )
    .option('--part <i>', 'with --step embed: which part, from 0', wholeNumber(0, MOST_PARTS - 1))
    .addOption(new Option('--threads <n>').argParser(wholeNumber(1)).hideHelp())
    .addOption(UNATTENDED)
    .action(async (dataSet: string | undefined, flags: ImportFlags) => {
      const context = contextOf(flags);
      const { checkImportFlags } = await import('../imports/flags.ts');
      const way = checkImportFlags(dataSet, flags);
      if (way.kind === 'whole') {
        const { importWhole } = await import('../imports/whole.ts');
        return importWhole(context, way.dataSet, flags);
      }
      const { importInParts } = await import('../imports/parts.ts');
      return importInParts(context, way, flags);
    });
}
