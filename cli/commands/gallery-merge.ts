import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

interface Flags extends CommonFlags {
  readonly into: string;
}

/** `kindred gallery merge CLASS... --into CLASS`: one class of several. */
export function mergeClassesCommand(): Command {
  return command('merge', 'make one class of several', { model: ASKED_MODEL })
    .argument('<class...>', 'the classes whose pictures move')
    .requiredOption('--into <class>', 'where they go, there already or new')
    .action(async (from: string[], flags: Flags) => {
      const context = contextOf(flags);
      const { openGallery } = await import('../version.ts');
      const { storeChange, tellChange } = await import('../gallery.ts');
      const { mergeClasses } = await import('../../core/gallery/operations.ts');
      const opened = await openGallery(context, flags.model);
      const change = await storeChange(context, opened, mergeClasses(opened.gallery, from, flags.into));
      const names = from.map((name) => JSON.stringify(name)).join(', ');
      tellChange(context, change, `${names} merged into ${JSON.stringify(flags.into)}`);
    });
}
