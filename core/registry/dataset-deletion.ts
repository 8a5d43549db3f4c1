import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { quote } from '../storage/keys.ts';
import { suggest } from '../suggest.ts';
import { claimedVersions } from './claims.ts';
import { encode, readDocument } from './documents.ts';
import type { Stored } from './documents.ts';
import { DATASET_TOMBSTONES, DATA_SETS, MODELS, dataSetPrefix, datasetTombstoneKey } from './layout.ts';
import { checkAuthor, checkName, isName } from './names.ts';
import type { Author } from './names.ts';
import { keysBelow, removeAll } from './remove-all.ts';

const datasetTombstoneSchema = z.strictObject({
  /** `deleting`: the dataset is gone, and its images are being removed; `deleted`: the name is free. */
  state: z.enum(['deleting', 'deleted']),
  /** For each model, up to which version it may have learnt from what was deleted: these follow no dataset of this name. */
  versions: z.record(z.string(), z.int().min(0)),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  /** Makes each attempt's document its own. */
  token: z.string(),
});
export type DatasetTombstone = z.infer<typeof datasetTombstoneSchema>;

/** What is noted of the dataset's deletion, or null when it was never deleted. @throws CorruptDataError */
export function readDatasetTombstone(
  store: ObjectStore,
  dataset: string,
): Promise<Stored<DatasetTombstone> | null> {
  return readDocument(store, datasetTombstoneKey(dataset), datasetTombstoneSchema);
}

/** Whether the version was published before a dataset of this name was deleted: it follows no other of that name. */
export async function wasDeletedSince(
  store: ObjectStore,
  dataset: string,
  { model, version }: { readonly model: string; readonly version: number },
): Promise<boolean> {
  const versions = (await readDatasetTombstone(store, dataset))?.value.versions ?? {};
  return version <= (versions[model] ?? 0);
}

/** @throws ConflictError while the dataset is being deleted, or its deletion was interrupted */
export async function requireDatasetNotDeleting(store: ObjectStore, dataset: string): Promise<void> {
  if ((await readDatasetTombstone(store, dataset))?.value.state !== 'deleting') return;
  throw new ConflictError(
    `The dataset "${dataset}" is being deleted; nothing was written. If that was interrupted, finish it with ` +
      `"kindred datasets delete ${dataset}"; then the name is free again.`,
  );
}

/** The datasets that hold an image, in code-unit order; folders whose names cannot name one, and what is being deleted, are none. */
export async function listDataSets(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.folders(DATA_SETS)) if (isName(name, 'data set')) names.push(name);
  const deleting = new Set<string>();
  for (const key of await keysBelow(store, DATASET_TOMBSTONES)) {
    const name = key.slice(DATASET_TOMBSTONES.length, -'.json'.length);
    if (!names.includes(name)) continue;
    if ((await readDatasetTombstone(store, name))?.value.state === 'deleting') deleting.add(name);
  }
  return names.filter((name) => !deleting.has(name));
}

/**
 * Deletes the images that the dataset has; models keep theirs. Its tombstone is written first, so that no process reads
 * half a dataset or removes its images from a gallery; repeating it finishes an interrupted deletion.
 * @param also what else is to be done, once every reader sees the dataset as gone
 * @returns how many images went
 * @throws NotFoundError; ConflictError when another process deletes it at the same time
 */
export async function deleteDataset(
  store: ObjectStore,
  dataset: string,
  author: Author,
  also?: () => Promise<void>,
): Promise<number> {
  checkName(dataset, 'data set');
  checkAuthor(author);
  const before = await readDatasetTombstone(store, dataset);
  if (before?.value.state !== 'deleting' && (await keysBelow(store, dataSetPrefix(dataset))).length === 0) {
    throw await noDataset(store, dataset);
  }
  const versions = { ...before?.value.versions, ...(await newestVersions(store)) };
  const mine = await mark(store, dataset, before, author, { state: 'deleting', versions });
  await also?.();
  const keys = await keysBelow(store, dataSetPrefix(dataset));
  await removeAll(store, keys);
  await mark(store, dataset, mine, author, { state: 'deleted', versions });
  return keys.length;
}

/** The error for a dataset that is not there, naming those that are. */
export async function noDataset(store: ObjectStore, dataset: string): Promise<NotFoundError> {
  const hint = suggest(dataset, await listDataSets(store), 'dataset');
  return new NotFoundError(`There is no dataset ${quote(dataset)} in the registry.${hint}`);
}

async function newestVersions(store: ObjectStore): Promise<Record<string, number>> {
  const newest: Record<string, number> = {};
  for await (const model of store.folders(MODELS)) {
    const last = isName(model, 'model') ? (await claimedVersions(store, model)).at(-1) : undefined;
    if (last !== undefined) newest[model] = last;
  }
  return newest;
}

/** Replaces the tombstone that was read. @throws ConflictError when another process did so meanwhile */
async function mark(
  store: ObjectStore,
  dataset: string,
  before: Stored<DatasetTombstone> | null,
  { by, why }: Author,
  change: Pick<DatasetTombstone, 'state' | 'versions'>,
): Promise<Stored<DatasetTombstone>> {
  const value = { ...change, at: new Date().toISOString(), by, why, token: randomUUID() };
  const condition = before === null ? { ifAbsent: true as const } : { ifMatch: before.etag };
  try {
    return { value, etag: (await store.put(datasetTombstoneKey(dataset), encode(value), condition)).etag };
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const message = `Another process is deleting the dataset "${dataset}" too. Delete it again if that one does not finish.`;
    throw new ConflictError(message, { cause: error });
  }
}
