import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred gallery rename FROM TO`: renames a class. */
export function renameClassCommand(): Command {
  return command('rename', 'rename a class', { model: ASKED_MODEL })
    .argument('<from>', 'the class')
    .argument('<to>', 'its new name')
    .action(async (from: string, to: string, flags: CommonFlags) => {
      const context = contextOf(flags);
      const { changeGallery } = await import('../gallery.ts');
      const { renameClass } = await import('../../core/gallery/operations.ts');
      await changeGallery(
        context,
        flags.model,
        (contents) => renameClass(contents, from, to),
        `${JSON.stringify(from)} renamed to ${JSON.stringify(to)}`,
      );
    });
}
