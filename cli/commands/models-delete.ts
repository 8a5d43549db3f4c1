import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { numberedVersion } from '../models.ts';
import { counted } from '../output/format.ts';
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
      const pictures = flags.unfinished
        ? await registry.removeLeftover(model, version, author)
        : await registry.delete(model, version, author);
      context.terminal.json({ model, version, deleted: true, pictures });
      const kept = pictures === 0 ? '' : `, and ${counted(pictures, 'picture')} that no gallery has any more`;
      context.terminal.print(`Version ${version} of ${model} is deleted${kept}.`);
    });
}
