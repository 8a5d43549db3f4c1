import { DATA_SETS } from '../../core/registry/layout.ts';
import type { Context } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { addAndTell } from '../gallery-add.ts';
import { failForUnused, findDataSet, scanDataSet } from '../pictures/data-set.ts';

/** Imports a dataset in this process, with everything in memory. */
export async function importWhole(context: Context, dataSet: string, flags: CommonFlags): Promise<void> {
  const registry = await context.registry();
  const find = async () => {
    const place = await findDataSet(context, dataSet);
    const scanned = await scanDataSet(context, place, { anyClasses: true });
    failForUnused(scanned);
    const isStored = place.store === registry.store && place.prefix.startsWith(DATA_SETS);
    const pictures = scanned.pictures.map((picture) => ({
      image: picture.key,
      picture,
      ...(isStored ? { source: `${place.prefix}${picture.key}` } : {}),
    }));
    return { pictures, failed: [] };
  };
  await addAndTell(context, flags, find, true);
}
