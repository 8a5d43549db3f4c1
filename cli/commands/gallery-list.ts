import type { Command } from 'commander';
import { NotFoundError } from '../../core/errors.ts';
import type { GalleryContents } from '../../core/gallery/contents.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { count, counted } from '../output/format.ts';
import { escapeLine } from '../output/escape.ts';
import { table } from '../output/table.ts';
import { UsageError } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly class?: string;
  readonly rejected?: boolean;
}

/** `kindred gallery list`: the classes and how many images each has, the images of one class, or the rejected images. */
export function listGalleryCommand(): Command {
  return command('list', 'list classes, or the images of one', { model: ASKED_MODEL })
    .option('--class <name>', 'the images of this class')
    .option('--rejected', 'the images that were rejected')
    .action(async (flags: Flags) => {
      if (flags.class !== undefined && flags.rejected) {
        throw new UsageError('Give --class or --rejected, not both: a rejected image has no class.');
      }
      const context = contextOf(flags);
      const { openNames } = await import('../version.ts');
      const { compareText } = await import('../../core/gallery/gallery.ts');
      const { model, version, contents } = await openNames(context, flags.model);
      if (flags.rejected) {
        listRejected(context, { model, version, rejected: contents.rejected });
        return;
      }
      const sizes = new Map<string, number>();
      for (const image of contents.images) sizes.set(image.class, (sizes.get(image.class) ?? 0) + 1);
      const names = [...sizes.keys()].sort(compareText);
      if (flags.class !== undefined && !sizes.has(flags.class)) {
        const { suggest } = await import('../../core/suggest.ts');
        throw new NotFoundError(
          `The gallery has no class ${JSON.stringify(flags.class)}.${suggest(flags.class, names, 'class in it')}`,
        );
      }
      const isShown = (name: string): boolean => flags.class === undefined || flags.class === name;
      const pictures = contents.images.flatMap(({ key, class: name, sha256 }) =>
        isShown(name) ? [{ key, class: name, sha256 }] : [],
      );
      const classes = names.filter(isShown).map((name) => ({ class: name, pictures: sizes.get(name) ?? 0 }));
      context.terminal.json({ model, version, classes, pictures });
      if (flags.class !== undefined) {
        for (const { key } of pictures) context.terminal.print(escapeLine(key));
        return;
      }
      const columns = [{ title: 'CLASS' }, { title: 'IMAGES', align: 'right' as const }];
      const rows = classes.map((each) => [each.class, count(each.pictures)]);
      context.terminal.print(table(columns, rows).trimEnd());
      context.terminal.print(
        `${model}@${version}: ${counted(classes.length, 'class', 'classes')}, ${counted(pictures.length, 'image')}`,
      );
    });
}

interface Rejected {
  readonly model: string;
  readonly version: number;
  readonly rejected: GalleryContents['rejected'];
}

function listRejected({ terminal }: Context, listed: Rejected): void {
  terminal.json(listed);
  for (const { sha256, source } of listed.rejected) {
    terminal.print(escapeLine(source === null ? sha256 : `${sha256}  ${source}`));
  }
  terminal.print(`${counted(listed.rejected.length, 'image')} rejected in ${listed.model}@${listed.version}`);
}
