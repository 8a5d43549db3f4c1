/** A whole dataset reconciled with the gallery that follows it. */
import { CancelledError, InvalidInputError } from '../errors.ts';
import type { GalleryContents } from '../gallery/contents.ts';
import { requireAlias } from '../registry/aliases.ts';
import { wasDeletedSince } from '../registry/dataset-deletion.ts';
import { DEFAULT_ALIAS } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import { listImages } from './dataset-paths.ts';
import { datasetOf } from './followers.ts';
import { KnownGalleries } from './known-galleries.ts';
import { reconcile } from './reconcile.ts';
import type { Ingested, ReconcileOptions } from './reconcile.ts';

export interface SyncOptions extends ReconcileOptions {
  /** `names`: finds what came and what went, by a listing. `content`: reads every image, and finds replaced ones too. */
  readonly compare: 'names' | 'content';
  readonly signal?: AbortSignal | undefined;
  /** How many of the images that are read are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Synced {
  readonly model: string;
  readonly version: number;
  readonly dataSet: string;
  /** Images in the dataset. */
  readonly pictures: number;
  /** What was done; unchanged images are not listed. */
  readonly changes: readonly Ingested[];
}

/** Images that are reconciled in one change. */
export const SYNC_BLOCK = 32;

/**
 * Reconciles a model's gallery with the dataset that its version in production was trained on. An empty dataset changes nothing: a dataset
 * is removed to save space, not to empty the galleries of its models.
 * @throws NotFoundError; InvalidInputError when the version follows no dataset of the registry; CancelledError
 */
export async function syncGallery(registry: Registry, model: string, options: SyncOptions): Promise<Synced> {
  const { embed, galleries = new KnownGalleries(registry), signal } = options;
  const { version } = await requireAlias(registry.store, model, DEFAULT_ALIAS);
  const dataset = await datasetOf(registry, { model, version });
  if (dataset === null) {
    throw new InvalidInputError(
      `${model}@${version} was trained on a folder, not on a dataset of this registry: its gallery follows nothing. ` +
        `Add images with "kindred gallery add" or "kindred gallery import".`,
    );
  }
  const there = new Set<string>();
  for await (const { path } of listImages(registry, dataset)) there.add(path);
  // After the listing, which may have been of half a dataset; what is there now is another dataset of its name.
  if (await wasDeletedSince(registry.store, dataset, { model, version })) there.clear();
  const { contents } = await galleries.now({ model, version });
  const paths = pathsToRead(contents, there, options.compare);
  const changes: Ingested[] = [];
  for (let at = 0; at < paths.length; at += SYNC_BLOCK) {
    if (signal?.aborted) {
      throw new CancelledError('Stopped before all images were compared. Run it again to go on from here.');
    }
    const block = paths.slice(at, at + SYNC_BLOCK);
    const done = await reconcile(registry, { model, version, dataset }, block, { embed, galleries });
    changes.push(...done.filter(({ outcome }) => outcome !== 'unchanged'));
    options.onProgress?.(Math.min(at + SYNC_BLOCK, paths.length), paths.length);
  }
  return { model, version, dataSet: dataset, pictures: there.size, changes };
}

function pathsToRead(
  contents: GalleryContents,
  there: ReadonlySet<string>,
  compare: SyncOptions['compare'],
): string[] {
  if (there.size === 0) return [];
  const gone = [...contents.paths()].filter((path) => !there.has(path));
  const come = [...there].filter((path) => compare === 'content' || contents.at(path) === null);
  return [...gone, ...come];
}
