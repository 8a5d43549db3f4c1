import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { numberedVersion } from '../models.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly unfinished?: boolean;
  readonly why: string;
}

/** `kindred models delete MODEL@N`: refused while an alias points to the version; its number is never used again. */
export function deleteModelCommand(): Command {
  return command('delete', 'delete a version for good; one that an alias points to is kept')
    .argument('[version]', 'NAME@N (or --model)')
    .option('--unfinished', 'remove what a killed training left of a version that was never published')
    .option('--why <text>', 'kept in its tombstone', '')
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const reference = named ?? flags.model;
      if (reference === undefined) throw new UsageError('Name the version to delete, such as clothes@2.');
      const { model, version } = await numberedVersion(reference);
      const registry = await context.registry();
      const author = { by: context.author, why: flags.why };
      if (flags.unfinished) await registry.removeLeftover(model, version, author);
      else await registry.delete(model, version, author);
      context.terminal.json({ model, version, deleted: true });
      context.terminal.print(`Version ${version} of ${model} is deleted.`);
    });
}
