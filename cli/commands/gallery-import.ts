import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { AddFlags } from '../gallery-add.ts';

/** `kindred gallery import DATASET`: all its pictures, under their classes. */
export function importGalleryCommand(): Command {
  return command('import', 'add all pictures of a folder, by their classes', {
    model: ASKED_MODEL,
    engine: true,
  })
    .argument(
      '<dataset>',
      'a folder or s3://BUCKET/PREFIX with <class>/<file>, or a data set in the registry',
    )
    .option('--no-keep-pictures', 'keep the embeddings alone; a new version cannot take these pictures over')
    .action(async (dataSet: string, flags: AddFlags) => {
      const context = contextOf(flags);
      const { failForUnused, findDataSet, scanDataSet } = await import('../pictures/data-set.ts');
      const { addAndTell } = await import('../gallery-add.ts');
      const { store } = await context.registry();
      await addAndTell(context, flags, async () => {
        const place = await findDataSet(context, dataSet);
        const scanned = await scanDataSet(context, place, { anyClasses: true });
        failForUnused(scanned);
        const pictures = scanned.pictures.map((picture) => ({
          image: picture.key,
          picture,
          ...(place.store === store ? { source: `${place.prefix}${picture.key}` } : {}),
        }));
        return { pictures, failed: [] };
      });
    });
}
