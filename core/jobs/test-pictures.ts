import { NotFoundError } from '../errors.ts';
import { classOf } from '../gallery/names.ts';
import type { Picture } from '../images/dataset.ts';
import { storedPicture } from '../images/picture.ts';
import type { Registry, Resolved } from '../registry/registry.ts';
import type { ObjectStore } from '../storage/store.ts';
import { readTraining } from './job.ts';

/** Where a data set's classes are: `<prefix><class>/<file>`. */
interface Place {
  readonly store: ObjectStore;
  readonly prefix: string;
}

/**
 * The pictures that a version was judged on when it was made, where its training found them.
 * @param placeOf finds a data set by what the training's job calls it; throws NotFoundError when it is gone
 * @returns null when there were none, or none of them is to be found; single ones that are gone fail when they are read
 */
export async function testPictures(
  registry: Registry,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
  placeOf: (dataSet: string) => Promise<Place>,
): Promise<Picture[] | null> {
  const { testSet, job } = await registry.manifest(model, version);
  if (testSet === null || job === null) return null;
  try {
    const { request } = await readTraining(registry.store, job);
    const { store, prefix } = await placeOf(request.testSet ?? request.dataSet);
    const pictures = testSet.pictures.map(({ key, sha256 }) =>
      storedPicture(store, `${prefix}${key}`, key, classOf(key), sha256),
    );
    for (const { key } of testSet.pictures)
      if ((await store.head(`${prefix}${key}`)) !== null) return pictures;
    return null;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}
