import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred gallery rename FROM TO`: another name for a class. */
export function renameClassCommand(): Command {
  return command('rename', 'give a class another name', { model: ASKED_MODEL })
    .argument('<from>', 'the class')
    .argument('<to>', 'its new name')
    .action(async (from: string, to: string, flags: CommonFlags) => {
      const context = contextOf(flags);
      const { openGallery } = await import('../version.ts');
      const { storeChange, tellChange } = await import('../gallery.ts');
      const { renameClass } = await import('../../core/gallery/operations.ts');
      const opened = await openGallery(context, flags.model);
      const change = await storeChange(context, opened, renameClass(opened.gallery, from, to));
      tellChange(context, change, `${JSON.stringify(from)} is now called ${JSON.stringify(to)}`);
    });
}
