import type { Command } from 'commander';
import { contextOf } from '../context.ts';
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
      const { openGallery } = await import('../version.ts');
      const { writeResult } = await import('../output/file.ts');
      const { model, version, gallery } = await openGallery(context, flags.model);
      await writeResult(
        file,
        format === 'csv'
          ? (await import('../../core/gallery/csv.ts')).galleryCsv(gallery)
          : await (await import('../../core/gallery/arrow.ts')).writeGallery(gallery),
      );
      context.terminal.json({ model, version, file, pictures: gallery.keys.length });
      context.terminal.print(
        `${counted(gallery.keys.length, 'picture')} of ${model}@${version} written to ${JSON.stringify(file)}.`,
      );
    });
}
