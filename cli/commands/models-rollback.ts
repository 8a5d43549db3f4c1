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

/** `kindred models rollback MODEL`: moves an alias back to the version before. */
export function rollbackCommand(): Command {
  return command('rollback', 'move an alias back to the version before', { model: 'the same as [model]' })
    .argument('[model]', 'NAME or NAME@ALIAS')
    .option('--alias <name>', 'the alias to move (default: production)')
    .option('--why <text>', 'kept in the history', '')
    .option('--expected <n>', 'move only if the alias is at this version now', wholeNumber(1))
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const { terminal } = context;
      const { model, alias } = await chosenAlias(context, named ?? flags.model, flags.alias);
      const { why, expected } = flags;
      const registry = await context.registry();
      const moved = await registry.rollback(model, alias, { by: context.author, why, expected });
      const { version } = moved;
      const from = moved.history.at(-1)?.from ?? null;
      terminal.json({ model, alias, version, from });
      terminal.print(`${model}@${alias} is back at version ${version} (before: ${from}).`);
    });
}
