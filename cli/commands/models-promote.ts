import type { Command } from 'commander';
import type { Promotion } from '../../core/promotion/promote.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command, share, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { checkedReference } from '../models.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly alias: string;
  readonly why: string;
  readonly expected?: number;
  readonly on?: string;
  readonly tolerance?: number;
  readonly force?: boolean;
  readonly dropAdditions?: boolean;
  readonly carryOver: boolean;
}

/** `kindred models promote MODEL@N`: from now on this version answers, unless it is worse than the one before. */
export function promoteCommand(): Command {
  return command('promote', 'let a version answer: point an alias to it, unless it is worse', {})
    .argument('[version]', 'NAME@N or NAME@ALIAS (or --model)')
    .option('--alias <name>', 'the alias to move', 'production')
    .option('--why <text>', 'kept in the history', '')
    .option('--expected <n>', 'move only if the alias is at this version now', wholeNumber(1))
    .option(
      '--on <dataset>',
      'compare on these pictures (default: those that the newer of the two was judged on)',
    )
    .option('--tolerance <share>', 'the loss of accuracy that is tolerated (default: 0.05)', share)
    .option('--force', 'promote also a version that is worse')
    .option('--drop-additions', 'leave out pictures of the gallery that were not kept')
    .option('--no-carry-over', 'leave all changes of the gallery behind')
    .action(async (named: string | undefined, flags: Flags) => {
      const context = contextOf(flags);
      const reference = named ?? flags.model;
      if (reference?.includes('@') !== true) {
        throw new UsageError(
          'Name the version to promote, such as clothes@2. "kindred models list" shows them.',
        );
      }
      if (flags.dropAdditions && !flags.carryOver) {
        throw new UsageError('Give --drop-additions or --no-carry-over, not both.');
      }
      const registry = await context.registry();
      const { model, version } = await registry.resolve(await checkedReference(reference));
      await tell(context, await promoted(context, { model, version }, flags), version);
    });
}

async function promoted(
  context: Context,
  { model, version }: { readonly model: string; readonly version: number },
  flags: Flags,
): Promise<Promotion> {
  const [{ promote }, { TOLERANCE }, { DEFAULT_ALIAS }, { comparedPictures }, { stoppable }] =
    await Promise.all([
      import('../../core/promotion/promote.ts'),
      import('../../core/promotion/gate.ts'),
      import('../../core/registry/names.ts'),
      import('../pictures/compared.ts'),
      import('../stopping.ts'),
    ]);
  const gate = {
    pictures: async (before: number) =>
      comparedPictures(context, { model, version: Math.max(version, before) }, flags.on),
    tolerance: flags.tolerance ?? TOLERANCE,
    force: flags.force ?? false,
  };
  const request = {
    model,
    version,
    alias: flags.alias,
    by: context.author,
    why: flags.why,
    expected: flags.expected,
    gate: flags.alias === DEFAULT_ALIAS ? gate : null,
    additions: flags.dropAdditions ? 'drop' : flags.carryOver ? 'carry' : 'leave',
  } as const;
  const registry = await context.registry();
  return stoppable(context, async (talk) => promote(registry, request, talk));
}

async function tell(context: Context, promotion: Promotion, version: number): Promise<void> {
  const { terminal } = context;
  const { carriedNotes } = await import('../../core/promotion/carried-notes.ts');
  const { model, alias, from, gate, carried } = promotion;
  terminal.json({ model, alias, version, from, promoted: promotion.promoted, gate, carried });
  if (gate?.outcome !== 'blocked') {
    for (const text of carriedNotes(carried)) terminal.note(text);
    if (gate !== null) terminal.note(`Compared: ${gate.reason}`);
  }
  if (promotion.promoted) {
    const before = from === null || from === version ? '' : ` (before: ${from})`;
    terminal.print(
      `${model}@${alias} is ${from === version ? 'at' : 'now'} version ${version}${from === version ? ' already' : before}.`,
    );
    return;
  }
  terminal.note(whyNot(promotion, version));
  process.exitCode = 1;
}

/** Why the alias was not moved, and what can be done. */
function whyNot({ model, alias, from, gate }: Promotion, version: number): string {
  const start = `${model}@${alias} stays at version ${from}:`;
  if (gate?.outcome !== 'blocked') {
    return `${start} version ${version} is worse. To promote it all the same: --force. Where they differ: kindred models compare ${model}@${version} ${model}@${from}`;
  }
  return `${start} ${gate.reason}. Add them again with "gallery add", or leave them out with --drop-additions (--no-carry-over: leave all changes behind).`;
}
