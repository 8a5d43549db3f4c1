import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { counted } from '../output/format.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly class?: string;
}

/** `kindred gallery remove KEY...` or `--class NAME`: pictures that are compared with no more. */
export function removeFromGalleryCommand(): Command {
  return command('remove', 'take pictures or a whole class out', { model: ASKED_MODEL })
    .argument('[key...]', '<class>/<file>, as "gallery list --class NAME" shows them')
    .option('--class <name>', 'the class with all its pictures')
    .action(async (keys: string[], flags: Flags) => {
      if ((flags.class === undefined) === (keys.length === 0)) {
        throw new UsageError('Give either the keys of pictures or a class with --class.');
      }
      const context = contextOf(flags);
      const { openGallery } = await import('../version.ts');
      const { storeChange, tellChange } = await import('../gallery.ts');
      const { removeClass, removeKeys } = await import('../../core/gallery/operations.ts');
      const opened = await openGallery(context, flags.model);
      const segment =
        flags.class === undefined
          ? removeKeys(opened.gallery, keys)
          : removeClass(opened.gallery, flags.class);
      const change = await storeChange(context, opened, segment);
      const what = flags.class === undefined ? counted(keys.length, 'picture') : JSON.stringify(flags.class);
      tellChange(context, change, `${what} taken out`);
    });
}
