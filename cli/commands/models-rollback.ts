import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenAlias } from '../models.ts';

interface Flags extends CommonFlags {
  readonly alias?: string;
  readonly why: string;
  readonly expected?: number;
}

/** `kindred models rollback MODEL`: back to the version that answered before. */
export function rollbackCommand(): Command {
  return command('rollback', 'point an alias back to the version that was there before', {
    model: 'the same as [model]',
  })
    .argument('[model]', 'NAME or NAME@ALIAS')
    .option('--alias <name>', 'the alias to move (default: production)')
    .option('--why <text>', 'kept in the history', '')
    .option('--expected <n>', 'move only if the alias is at this version now', wholeNumber(1))
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const { model, alias } = await chosenAlias(context, named ?? flags.model, flags.alias);
      const moved = await (
        await context.registry()
      ).rollback(model, alias, {
        by: context.author,
        why: flags.why,
        ...(flags.expected === undefined ? {} : { expected: flags.expected }),
      });
      const { from = null } = moved.history.at(-1) ?? {};
      context.terminal.json({ model, alias, version: moved.version, from });
      context.terminal.print(`${model}@${alias} is back at version ${moved.version} (before: ${from}).`);
    });
}
