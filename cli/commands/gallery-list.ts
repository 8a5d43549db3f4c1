import type { Command } from 'commander';
import { NotFoundError } from '../../core/errors.ts';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { count, counted } from '../output/format.ts';
import { escapeLine } from '../output/escape.ts';
import { table } from '../output/table.ts';

interface Flags extends CommonFlags {
  readonly class?: string;
}

/** `kindred gallery list`: the classes and how many pictures each has, or one class' pictures. */
export function listGalleryCommand(): Command {
  return command('list', 'list classes, or the pictures of one', { model: ASKED_MODEL })
    .option('--class <name>', "this class' pictures")
    .action(async (flags: Flags) => {
      const context = contextOf(flags);
      const { openGallery } = await import('../version.ts');
      const { suggest } = await import('../../core/suggest.ts');
      const { classNames } = await import('../../core/gallery/gallery.ts');
      const { model, version, gallery } = await openGallery(context, flags.model);
      const names = classNames(gallery);
      if (flags.class !== undefined && !names.includes(flags.class)) {
        throw new NotFoundError(
          `The gallery has no class ${JSON.stringify(flags.class)}.${suggest(flags.class, names, 'class in it')}`,
        );
      }
      const pictures = gallery.keys.flatMap((key, row) => {
        const className = gallery.classes[row] ?? '';
        if (flags.class !== undefined && flags.class !== className) return [];
        return [{ key, class: className, sha256: gallery.sha256[row] ?? '' }];
      });
      const sizes = new Map(names.map((name) => [name, 0]));
      for (const { class: name } of pictures) sizes.set(name, (sizes.get(name) ?? 0) + 1);
      const shown = [...sizes].filter(([name]) => flags.class === undefined || flags.class === name);
      const classes = shown.map(([name, size]) => ({ class: name, pictures: size }));
      context.terminal.json({ model, version, classes, pictures });
      if (flags.class !== undefined) {
        for (const { key } of pictures) context.terminal.print(escapeLine(key));
        return;
      }
      const columns = [{ title: 'CLASS' }, { title: 'PICTURES', align: 'right' as const }];
      const rows = classes.map((each) => [each.class, count(each.pictures)]);
      context.terminal.print(table(columns, rows).trimEnd());
      context.terminal.print(
        `${model}@${version}: ${counted(classes.length, 'class', 'classes')}, ${counted(pictures.length, 'picture')}`,
      );
    });
}
