import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { asUsage } from '../usage.ts';

/** `kindred gallery add CLASS IMAGE...`: adds images to a class, which may be new. */
export function addToGalleryCommand(): Command {
  return command('add', 'add images to a class, existing or new', {
    model: ASKED_MODEL,
  })
    .argument('<class>', 'the class')
    .argument('<image...>', 'image files')
    .action(async (className: string, images: string[], flags: CommonFlags) => {
      const context = contextOf(flags);
      const { checkName } = await import('../../core/gallery/names.ts');
      asUsage(() => checkName(className, 'class'));
      const { filesAsPictures } = await import('../pictures/files.ts');
      const { addAndTell } = await import('../gallery-add.ts');
      await addAndTell(context, flags, async () => filesAsPictures(images, className));
    });
}
