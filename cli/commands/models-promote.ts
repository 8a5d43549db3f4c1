import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { checkedReference } from '../models.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly alias: string;
  readonly why: string;
  readonly expected?: number;
}

/** `kindred models promote MODEL@N`: from now on this version answers. */
export function promoteCommand(): Command {
  return command('promote', 'let a version answer: point an alias to it')
    .argument('[version]', 'NAME@N or NAME@ALIAS (or --model)')
    .option('--alias <name>', 'the alias to move', 'production')
    .option('--why <text>', 'kept in the history', '')
    .option('--expected <n>', 'move only if the alias is at this version now', wholeNumber(1))
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const reference = named ?? flags.model;
      if (reference?.includes('@') !== true) {
        throw new UsageError(
          'Name the version to promote, such as clothes@2. "kindred models list" shows them.',
        );
      }
      const registry = await context.registry();
      const { model, version } = await registry.resolve(await checkedReference(reference));
      const moved = await registry.move(model, flags.alias, version, {
        by: context.author,
        why: flags.why,
        ...(flags.expected === undefined ? {} : { expected: flags.expected }),
      });
      const { from = null } = moved.history.at(-1) ?? {};
      context.terminal.json({ model, alias: flags.alias, version, from });
      const before = from === null ? '' : ` (before: ${from})`;
      context.terminal.print(`${model}@${flags.alias} is now version ${version}${before}.`);
    });
}
