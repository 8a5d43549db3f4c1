import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { counted } from '../output/format.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly class?: string;
}

/** `kindred gallery remove KEY...` or `--class NAME`: removes images or a class from the gallery. */
export function removeFromGalleryCommand(): Command {
  return command('remove', 'remove images or a whole class', { model: ASKED_MODEL })
    .argument('[key...]', '<class>/<file>, as "gallery list --class NAME" shows them')
    .option('--class <name>', 'the class with all its images')
    .action(async (keys: string[], flags: Flags) => {
      if ((flags.class === undefined) === (keys.length === 0)) {
        throw new UsageError('Give either the keys of images or a class with --class.');
      }
      const context = contextOf(flags);
      const { changeGallery } = await import('../gallery.ts');
      const { removeClass, removeKeys } = await import('../../core/gallery/operations.ts');
      const name = flags.class;
      await changeGallery(
        context,
        flags.model,
        (contents) => (name === undefined ? removeKeys(contents, keys) : removeClass(contents, name)),
        `${name === undefined ? counted(keys.length, 'image') : JSON.stringify(name)} removed`,
      );
    });
}
