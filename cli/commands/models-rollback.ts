import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenAlias } from '../models.ts';

interface Flags extends CommonFlags {
  readonly alias?: string;
  readonly why: string;
  readonly expected?: number;
  readonly carryOver: boolean;
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
    .option('--no-carry-over', 'leave what was changed in the gallery since behind')
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const { terminal } = context;
      const { model, alias } = await chosenAlias(context, named ?? flags.model, flags.alias);
      const [{ rollback }, { carriedNotes }, { stoppable }] = await Promise.all([
        import('../../core/promotion/rollback.ts'),
        import('../../core/promotion/carried-notes.ts'),
        import('../stopping.ts'),
      ]);
      const registry = await context.registry();
      const { why, expected, carryOver: carry } = flags;
      const request = { model, alias, by: context.author, why, expected, carry };
      const done = await stoppable(context, async (talk) => rollback(registry, request, talk));
      const { from, carried, problem } = done;
      const { version } = done.alias;
      terminal.json({ model, alias, version, from, carried, problem });
      for (const text of carriedNotes(carried)) terminal.note(text);
      if (problem !== null) terminal.note(`Changes of the gallery were left behind: ${problem}`);
      terminal.print(`${model}@${alias} is back at version ${version} (before: ${from}).`);
    });
}
