import type { Command } from 'commander';
import { NotFoundError } from '../../core/errors.ts';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { chosenAlias } from '../models.ts';
import { moment } from '../output/format.ts';
import { table } from '../output/table.ts';

interface Flags extends CommonFlags {
  readonly alias?: string;
}

/** `kindred models history MODEL`: every move of an alias, who did it and why, oldest first. */
export function historyCommand(): Command {
  return command('history', 'show every move of an alias, oldest first', { model: 'the same as [model]' })
    .argument('[model]', 'NAME or NAME@ALIAS')
    .option('--alias <name>', 'whose moves (default: production)')
    .action(async (named: string | undefined, flags: Flags) => {
      const { terminal, ...context } = contextOf(flags);
      const registry = await context.registry();
      const { model, alias } = await chosenAlias({ terminal, ...context }, named ?? flags.model, flags.alias);
      const found = await registry.alias(model, alias);
      if (found === null) {
        await registry.resolve(`${model}@${alias}`);
        throw new NotFoundError(`The model "${model}" has no alias "${alias}".`);
      }
      terminal.json({ model, alias, version: found.version, history: found.history });
      const rows = found.history.map(({ at, from, version, rollback, by, why }) => [
        moment(at),
        from === null ? '-' : String(from),
        String(version),
        rollback ? 'rollback' : 'promotion',
        by,
        why,
      ]);
      const columns = [
        { title: 'WHEN (UTC)' },
        { title: 'FROM', align: 'right' as const },
        { title: 'TO', align: 'right' as const },
        { title: 'HOW' },
        { title: 'BY' },
        { title: 'WHY', widest: 400 },
      ];
      terminal.print(table(columns, rows).trimEnd());
    });
}
