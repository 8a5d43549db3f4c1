/** The difference between a data set and the gallery that follows it, found and made up for. */
import { CancelledError, InvalidInputError } from '../errors.ts';
import { Mirror } from '../gallery/mirror.ts';
import { readGalleryLog } from '../registry/gallery-log.ts';
import { DEFAULT_ALIAS } from '../registry/names.ts';
import { requireAlias } from '../registry/aliases.ts';
import { wasDeletedSince } from '../registry/dataset-deletion.ts';
import type { Registry } from '../registry/registry.ts';
import { dataSetOf } from './followers.ts';
import { ingestInto, isPicturePath } from './ingest.ts';
import type { Ingested, IngestOptions } from './ingest.ts';

export interface SyncOptions extends IngestOptions {
  /**
   * `names`: what has come and what has gone, by a listing alone. `content`: every picture is read, too, so that also one that was replaced
   * under its name is found.
   */
  readonly compare: 'names' | 'content';
  readonly signal?: AbortSignal | undefined;
  /** How many of the pictures that are looked into are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What came of it. */
export interface Synced {
  readonly model: string;
  readonly version: number;
  readonly dataSet: string;
  /** Pictures in the data set. */
  readonly pictures: number;
  /** What was done; nothing of pictures that were as they should be. */
  readonly changes: readonly Ingested[];
}

const BLOCK = 32;

/**
 * Makes the gallery of a model's version in production have what the data set has that this version was trained on. Nothing is lost that
 * people changed in the gallery. Where the data set has no picture left at all, nothing is done. Done again, it goes on from where it was stopped.
 * @throws NotFoundError; InvalidInputError when it was trained on no data set of the registry; CancelledError
 */
export async function syncGallery(registry: Registry, model: string, options: SyncOptions): Promise<Synced> {
  const { version } = await requireAlias(registry.store, model, DEFAULT_ALIAS);
  const dataSet = await dataSetOf(registry, { model, version });
  if (dataSet === null) {
    throw new InvalidInputError(
      `${model}@${version} was trained on a folder, not on a data set of this registry: there is nothing that its gallery could follow. ` +
        `"kindred gallery add" and "kindred gallery import" add pictures.`,
    );
  }
  const there = await pathsOf(registry, { model, version }, dataSet);
  // Who removes a whole data set, to save room, does not mean the versions that learnt from it.
  if (there.size === 0) return { model, version, dataSet, pictures: 0, changes: [] };
  const paths = await toLookAt(registry, { model, version }, dataSet, there, options);
  const changes: Ingested[] = [];
  let current = version;
  for (let at = 0; at < paths.length; at += BLOCK) {
    if (options.signal?.aborted) {
      throw new CancelledError(
        'Stopped while the gallery took up its data set; doing it again goes on from here.',
      );
    }
    const block = paths.slice(at, at + BLOCK);
    const done = await ingestInto(registry, { model, version: current }, dataSet, block, options);
    current = done.at(-1)?.version ?? current;
    changes.push(...done.filter(({ outcome }) => outcome !== 'unchanged'));
    options.onProgress?.(Math.min(at + BLOCK, paths.length), paths.length);
  }
  return { model, version: current, dataSet, pictures: there.size, changes };
}

/** Of a dataset that was deleted since, or is being deleted, none: what is there now is another one of its name. */
async function pathsOf(
  registry: Registry,
  version: { readonly model: string; readonly version: number },
  dataSet: string,
): Promise<Set<string>> {
  const prefix = registry.dataSetPrefix(dataSet);
  const paths = new Set<string>();
  for await (const { key, problem } of registry.store.list(prefix)) {
    const path = key.slice(prefix.length);
    if (!problem && isPicturePath(path)) paths.add(path);
  }
  // After the listing, which may have been of half a dataset.
  return (await wasDeletedSince(registry.store, dataSet, version)) ? new Set() : paths;
}

/**
 * The paths at which a gallery has seen a picture of the data set, and the data set has none any more. A data set without any picture counts as
 * removed for other reasons: none then.
 */
export async function gonePaths(
  registry: Registry,
  version: { readonly model: string; readonly version: number },
  dataSet: string,
  { log }: Pick<IngestOptions, 'log'>,
): Promise<string[]> {
  const there = await pathsOf(registry, version, dataSet);
  if (there.size === 0) return [];
  const mirror = new Mirror(await (log?.(version) ?? readGalleryLog(registry, version)), dataSet);
  return [...mirror.paths()].filter((path) => !there.has(path));
}

async function toLookAt(
  registry: Registry,
  version: { readonly model: string; readonly version: number },
  dataSet: string,
  there: ReadonlySet<string>,
  { compare, log }: SyncOptions,
): Promise<string[]> {
  const mirror = new Mirror(await (log?.(version) ?? readGalleryLog(registry, version)), dataSet);
  const gone = [...mirror.paths()].filter((path) => !there.has(path));
  const come = [...there].filter((path) => compare === 'content' || (mirror.seen(path) ?? null) === null);
  return [...gone, ...come];
}
