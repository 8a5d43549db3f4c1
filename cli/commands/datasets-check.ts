import type { Command } from 'commander';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import { contextOf } from '../context.ts';
import { collect, command, share } from '../flags.ts';
import type { TrainFlags } from '../training/request.ts';

interface Flags extends Pick<
  TrainFlags,
  'json' | 'registry' | 'seed' | 'test' | 'holdOut' | 'recipe' | 'option'
> {
  readonly strict?: boolean;
}

const HELP = `
Nothing is changed. What is computed of the pictures is kept for the training on the same pictures.
Exit status: 1 when something has to be repaired, with --strict when anything was found, else 0.

Examples:
  kindred datasets check photos/
  kindred datasets check photos/ --test more-photos/   also: is a test picture learnt from?`;

/** `kindred datasets check DATASET`: checks a dataset for faults before a training. */
export function checkDataSetCommand(): Command {
  return command('check', 'look for faults in a data set before training on it', { seed: true })
    .argument(
      '<dataset>',
      'a folder or s3://BUCKET/PREFIX with <class>/<file>, or a data set in the registry',
    )
    .option('--test <dataset>', 'the pictures to judge on')
    .option(
      '--hold-out <share>',
      'without --test: the share that a training would judge on (default: 0.2)',
      share,
    )
    .option('--recipe <name>', 'the recipe to train with (default: metric)')
    .option('--option <key=value>', 'an option of the recipe; may be repeated', collect)
    .option('--strict', 'end with 1 also when there is only advice')
    .addHelpText('after', HELP)
    .action(async (dataSet: string, flags: Flags) => {
      const context = contextOf(flags);
      const [{ checkRequested }, { printCheck, isFaulty }, { newRequest }] = await Promise.all([
        import('../training/check.ts'),
        import('../training/print-check.ts'),
        import('../training/request.ts'),
      ]);
      const request: TrainingRequest = await newRequest(
        context,
        dataSet,
        { ...flags, promote: false },
        false,
      );
      const check = await checkRequested(context, request);
      context.terminal.json({ dataset: dataSet, test: flags.test ?? null, ...check });
      printCheck(context.terminal, check);
      if (isFaulty(check, flags.strict ?? false)) process.exitCode = 1;
    });
}
