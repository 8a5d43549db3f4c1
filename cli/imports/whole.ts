import { saidPictures } from '../../core/gallery/said.ts';
import { readGalleryLog } from '../../core/registry/gallery-log.ts';
import type { Context } from '../context.ts';
import { addAndTell } from '../gallery-add.ts';
import type { AddFlags } from '../gallery-add.ts';
import { failForUnused, findDataSet, scanDataSet } from '../pictures/data-set.ts';

/** Imports a data set in this process, with everything in memory. */
export async function importWhole(context: Context, dataSet: string, flags: AddFlags): Promise<void> {
  const registry = await context.registry();
  await addAndTell(context, flags, async (into) => {
    const place = await findDataSet(context, dataSet);
    const scanned = await scanDataSet(context, place, { anyClasses: true });
    failForUnused(scanned);
    const pictures = scanned.pictures.map((picture) => ({
      image: picture.key,
      picture,
      ...(place.store === registry.store ? { source: `${place.prefix}${picture.key}` } : {}),
    }));
    return { pictures, failed: [], said: saidPictures(await readGalleryLog(registry, into)) };
  });
}
