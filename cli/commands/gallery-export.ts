import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { counted } from '../output/format.ts';
import { UsageError } from '../usage.ts';

/** `kindred gallery export FILE`: the gallery with all its changes, as Arrow (with embeddings) or CSV (without). */
export function exportGalleryCommand(): Command {
  return command('export', 'write the gallery to a file', { model: ASKED_MODEL })
    .argument('<file>', 'NAME.arrow with the embeddings, or NAME.csv without them')
    .action(async (file: string, flags: CommonFlags) => {
      const format = /\.(arrow|csv)$/i.exec(file)?.[1]?.toLowerCase();
      if (format === undefined) {
        throw new UsageError(
          `${JSON.stringify(file)} must end in ".arrow" or ".csv": that says what is written.`,
        );
      }
      const context = contextOf(flags);
      const { writeResult } = await import('../output/file.ts');
      const made = format === 'csv' ? await asCsv(context, flags) : await asArrow(context, flags);
      const { model, version, pictures } = made;
      await writeResult(file, made.content);
      context.terminal.json({ model, version, file, pictures });
      context.terminal.print(
        `${counted(pictures, 'image')} of ${model}@${version} written to ${JSON.stringify(file)}.`,
      );
    });
}

interface Exported {
  readonly model: string;
  readonly version: number;
  readonly pictures: number;
  readonly content: string | Uint8Array;
}

async function asCsv(context: Context, flags: CommonFlags): Promise<Exported> {
  const { openNames } = await import('../version.ts');
  const { galleryCsv } = await import('../../core/gallery/csv.ts');
  const { model, version, contents } = await openNames(context, flags.model);
  const { images } = contents;
  return { model, version, pictures: images.length, content: galleryCsv(images) };
}

async function asArrow(context: Context, flags: CommonFlags): Promise<Exported> {
  const { openGallery } = await import('../version.ts');
  const { writeGallery } = await import('../../core/gallery/arrow.ts');
  const { model, version, gallery } = await openGallery(context, flags.model);
  return { model, version, pictures: gallery.keys.length, content: await writeGallery(gallery) };
}
