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
}

/** `kindred models promote MODEL@N`: moves an alias to a version, unless it performs worse than the one before. */
export function promoteCommand(): Command {
  return command('promote', 'promote a version: move an alias to it, unless it performs worse', {})
    .argument('[version]', 'NAME@N or NAME@ALIAS (or --model)')
    .option('--alias <name>', 'the alias to move', 'production')
    .option('--why <text>', 'kept in the history', '')
    .option('--expected <n>', 'move only if the alias is at this version now', wholeNumber(1))
    .option(
      '--on <dataset>',
      'compare on these images (default: the test set of the newer of the two versions)',
    )
    .option('--tolerance <share>', 'the loss of accuracy that is tolerated (default: 0.05)', share)
    .option('--force', 'promote also a version that is worse, or cannot embed images of the gallery')
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
  };
  const request = {
    model,
    version,
    alias: flags.alias,
    by: context.author,
    why: flags.why,
    expected: flags.expected,
    gate: flags.alias === DEFAULT_ALIAS ? gate : null,
    force: flags.force ?? false,
  };
  const registry = await context.registry();
  return stoppable(context, async (talk) => promote(registry, request, talk));
}

async function tell(context: Context, promotion: Promotion, version: number): Promise<void> {
  const { terminal } = context;
  const { completedNotes } = await import('../../core/promotion/complete.ts');
  const { model, alias, from, gate, embedded } = promotion;
  const missing = promotion.missing.map(({ image: { key, sha256 }, reason }) => ({ key, sha256, reason }));
  terminal.json({ model, alias, version, from, promoted: promotion.promoted, gate, embedded, missing });
  if (gate?.outcome !== 'blocked') {
    for (const text of completedNotes(promotion)) terminal.note(text);
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
    return `${start} version ${version} is worse. To promote it all the same: --force. To see where they differ: kindred models compare ${model}@${version} ${model}@${from}`;
  }
  return `${start} ${gate.reason}. Add these images again with "kindred gallery add", or promote it without them: --force.`;
}
