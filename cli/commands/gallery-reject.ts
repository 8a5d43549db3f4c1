import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred gallery reject IMAGE...`: records that images are of none of the classes. */
export function rejectImagesCommand(): Command {
  return command('reject', 'record that images are of none of the classes', {
    model: ASKED_MODEL,
  })
    .argument('<image...>', 'image files')
    .action(async (images: string[], flags: CommonFlags) => {
      const context = contextOf(flags);
      const { filesAsPictures } = await import('../pictures/files.ts');
      const { rejectAndTell } = await import('../gallery-add.ts');
      await rejectAndTell(context, flags, await filesAsPictures(images, 'none'));
    });
}
