import type { DataSet } from '../../core/images/dataset.ts';
import type { TrainingRequest } from '../../core/pipeline/request.ts';
import type { Followed, TrainingData } from '../../core/pipeline/context.ts';
import { requireOneSpelling } from '../../core/spelling.ts';
import type { Context } from '../context.ts';
import { counted } from '../output/format.ts';
import { dataSetOfId, scanDataSet } from '../pictures/data-set.ts';
import type { DataSetPlace } from '../pictures/data-set.ts';

/**
 * Opens what a request names; without a test set a part of the pictures is held out, the same one for the same seed.
 * What shows the same picture is known from then on.
 */
export async function openTrainingData(context: Context, request: TrainingRequest): Promise<TrainingData> {
  const place = await dataSetOfId(context, request.dataSet);
  const followed = await followedOf(context, request.model, place);
  const all = await scanDataSet(context, place);
  const { inseparablePairs } = await import('../../core/training/data-check/index.ts');
  const same = await inseparablePairs(all.pictures);
  if (request.testSet !== null) {
    const test = await scanDataSet(context, await dataSetOfId(context, request.testSet));
    requireOneSpelling([...all.classes, ...test.classes], 'With the test pictures, the training');
    tellShared(context, all, test);
    return { train: all, test, heldOut: false, same, followed };
  }
  const [{ splitDataSet }, { Random }] = await Promise.all([
    import('../../core/images/split.ts'),
    import('../../core/random.ts'),
  ]);
  const { training, heldOut } = splitDataSet(all, request.holdOut, new Random(request.seed), same);
  if (heldOut.pictures.length > 0) return { train: training, test: heldOut, heldOut: true, same, followed };
  context.terminal.note('No picture is held out to judge on, so no accuracy will be measured.');
  return { train: all, test: null, heldOut: false, same, followed };
}

/** To be read before the dataset is listed: what is recorded in the gallery's log meanwhile is then newer than the listing. */
async function followedOf(
  context: Context,
  model: string,
  { id, store, name }: DataSetPlace,
): Promise<Followed | null> {
  const registry = await context.registry();
  if (store !== registry.store || id !== name) return null;
  return { dataset: name, position: (await registry.changes(model)).at(-1)?.id ?? null };
}

/** A picture that was learnt from is no test. */
function tellShared({ terminal }: Context, train: DataSet, test: DataSet): void {
  const learnt = new Set(train.pictures.map(({ sha256 }) => sha256));
  const shared = test.pictures.filter(({ sha256 }) => learnt.has(sha256)).length;
  if (shared === 0) return;
  terminal.note(
    `${counted(shared, 'test picture')} of ${test.pictures.length} are also learnt from: the accuracy will look better than it is.`,
  );
}
