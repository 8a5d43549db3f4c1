import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

interface Flags extends CommonFlags {
  readonly into: string;
}

/** `kindred gallery merge CLASS... --into CLASS`: merges classes. */
export function mergeClassesCommand(): Command {
  return command('merge', 'merge classes', { model: ASKED_MODEL })
    .argument('<class...>', 'the classes whose images move')
    .requiredOption('--into <class>', 'the class that gets the images, existing or new')
    .action(async (from: string[], flags: Flags) => {
      const context = contextOf(flags);
      const { changeGallery } = await import('../gallery.ts');
      const { mergeClasses } = await import('../../core/gallery/operations.ts');
      const names = from.map((name) => JSON.stringify(name)).join(', ');
      await changeGallery(
        context,
        flags.model,
        (contents) => mergeClasses(contents, from, flags.into),
        `${names} merged into ${JSON.stringify(flags.into)}`,
      );
    });
}
