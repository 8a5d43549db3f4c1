/** A version from an archive that `archiveOf` wrote, in this registry or another. */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { ConflictError } from '../errors.ts';
import type { Change } from '../gallery/facts.ts';
import type { ObjectStore } from '../storage/store.ts';
import { putChange, readLog } from './gallery-log.ts';
import { keepImages } from './kept-images.ts';
import type { Manifest } from './manifest.ts';
import { publish } from './publish.ts';
import { unpack } from './unpack.ts';
import type { Unpacked } from './unpack.ts';

export interface ImportOptions {
  /** The model that gets the version. @default the one it was exported from */
  readonly model?: string | undefined;
  readonly createdBy: string;
  /** An empty local folder; the caller removes it. */
  readonly scratch: string;
}

/**
 * Publishes the archive's version under the next number of the model. Nothing is written to the registry before all of the archive was
 * found right. Then come files and blobs, kept images, the changes that the model's log lacks, and the manifest last. The same archive again gives
 * the same version, and completes an import that was interrupted.
 *
 * The changes keep their ids, so that they apply in the same order as in the other registry, among those that the model has here.
 * @throws CorruptDataError when the archive is damaged or none; ConflictError when the version was imported and deleted, or when the
 * model's log has another change under an id
 */
export async function importVersion(
  store: ObjectStore,
  archive: string,
  { model: wanted, createdBy, scratch }: ImportOptions,
): Promise<Manifest> {
  const unpacked = await unpack(archive, scratch);
  const { manifest, files, changes } = unpacked;
  const { recipe, seed, dataSet, follows, position, testSet, libraries, engine, metrics } = manifest;
  const model = wanted ?? manifest.model;
  await changesLacking(store, model, changes);
  const draft = {
    recipe,
    seed,
    dataSet,
    follows,
    position,
    testSet,
    libraries,
    engine,
    metrics,
    files,
    createdBy,
    parent: { model: manifest.model, version: manifest.version },
    job: `import-${manifest.checksum}`,
  };
  return publish(store, model, draft, () => putGallery(store, model, unpacked));
}

/** Images first: a change must not name one that is not there yet. */
async function putGallery(
  store: ObjectStore,
  model: string,
  { changes, images }: Pick<Unpacked, 'changes' | 'images'>,
): Promise<void> {
  await keepImages(
    store,
    [...images].map(([sha256, file]) => ({ sha256, read: () => readFile(file) })),
  );
  // In their order, so that an import that is killed leaves no change without those before it.
  for (const change of await changesLacking(store, model, changes)) {
    await putChange(store, model, change).catch(async (error: unknown) => {
      // Another import may have written the same one.
      if (!(error instanceof ConflictError)) throw error;
      await changesLacking(store, model, [change]);
    });
  }
}

/** The changes that the model's log does not have, by their ids ascending. @throws ConflictError when it has another one under an id */
async function changesLacking(
  store: ObjectStore,
  model: string,
  changes: readonly Change[],
): Promise<Change[]> {
  const known = new Map((await readLog(store, model)).map((change) => [change.id, change]));
  const lacking = changes.filter((change) => {
    const other = known.get(change.id);
    if (other === undefined || isDeepStrictEqual(other, change)) return other === undefined;
    throw new ConflictError(
      `The gallery of "${model}" has another change ${change.id} than the archive; nothing was published. ` +
        'Import it as a new model: --model NAME.',
    );
  });
  return lacking.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
