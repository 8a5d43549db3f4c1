import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { ASKED_MODEL, command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred gallery import DATASET`: all its pictures, under their classes. */
export function importGalleryCommand(): Command {
  return command('import', 'add all pictures of a folder, by their classes', {
    model: ASKED_MODEL,
    engine: true,
  })
    .argument('<dataset>', 'a folder with <class>/<file>, or a data set in the registry')
    .action(async (dataSet: string, flags: CommonFlags) => {
      const context = contextOf(flags);
      const { failForUnused, findDataSet, scanDataSet } = await import('../pictures/data-set.ts');
      const { addAndTell } = await import('../gallery-add.ts');
      await addAndTell(context, flags.model, async () => {
        const scanned = await scanDataSet(context, await findDataSet(context, dataSet), { anyClasses: true });
        failForUnused(scanned);
        const pictures = scanned.pictures.map((picture) => ({ image: picture.key, picture }));
        return { pictures, failed: [] };
      });
    });
}
