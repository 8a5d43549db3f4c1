import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { AddFlags } from '../gallery-add.ts';
import { asUsage } from '../usage.ts';

/** `kindred gallery add CLASS IMAGE...`: pictures that are compared with from now on, in a class that may be new. */
export function addToGalleryCommand(): Command {
  return command('add', 'add pictures to a class, there already or new', {
    model: ASKED_MODEL,
  })
    .argument('<class>', 'the class')
    .argument('<image...>', 'picture files')
    .option('--no-keep-pictures', 'keep the embeddings alone; a new version cannot take these pictures over')
    .action(async (className: string, images: string[], flags: AddFlags) => {
      const context = contextOf(flags);
      const { checkName } = await import('../../core/gallery/names.ts');
      asUsage(() => checkName(className, 'class'));
      const { filesAsPictures } = await import('../pictures/files.ts');
      const { addAndTell } = await import('../gallery-add.ts');
      await addAndTell(context, flags, async () => filesAsPictures(images, className));
    });
}
