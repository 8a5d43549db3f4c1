import { testPictures } from '../../core/jobs/test-pictures.ts';
import type { Picture } from '../../core/images/dataset.ts';
import type { Resolved } from '../../core/registry/registry.ts';
import type { Context } from '../context.ts';
import { dataSetOfId, findDataSet, scanDataSet } from './data-set.ts';

/** The pictures to compare versions on: of the data set that is named, or those that the version was judged on; null where these are gone. */
export async function comparedPictures(
  context: Context,
  version: Pick<Resolved, 'model' | 'version'>,
  on: string | undefined,
): Promise<readonly Picture[] | null> {
  if (on === undefined) {
    return testPictures(await context.registry(), version, async (id) => dataSetOfId(context, id));
  }
  return (await scanDataSet(context, await findDataSet(context, on), { anyClasses: true })).pictures;
}
