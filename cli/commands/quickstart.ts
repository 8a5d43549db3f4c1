import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

interface Flags extends CommonFlags {
  readonly again?: boolean;
}

/** `kindred quickstart`: trains on the pictures that come with Kindred and classifies some; run again, it shows the results. */
export function quickstartCommand(): Command {
  return command('quickstart', 'train and classify with the pictures that come with Kindred', { seed: true })
    .option('--again', 'train anew even when it was done before')
    .action(async (flags: Flags) => {
      const context = contextOf(flags);
      const { quickstart } = await import('../quickstart/run.ts');
      await quickstart(context, { again: flags.again ?? false, seed: flags.seed ?? 0 });
    });
}
