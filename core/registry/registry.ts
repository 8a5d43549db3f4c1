import type { LocalCopies } from '../storage/local-copies.ts';
import type { Change, Fact } from '../gallery/facts.ts';
import type { ObjectStore } from '../storage/store.ts';
import {
  deleteAlias,
  listAliases,
  moveAlias,
  readAlias,
  requireAlias,
  rollbackAlias,
  rollbackTarget,
} from './aliases.ts';
import type { Alias, MoveOptions } from './aliases.ts';
import { publishedBy } from './claims.ts';
import { addToDataSet, checkedDataSetPrefix, classIn } from './data-sets.ts';
import type { NewPicture } from './data-sets.ts';
import { deleteDataset, listDataSets } from './dataset-deletion.ts';
import { deleteVersion, listLeftOvers, removeLeftOver } from './deletion.ts';
import type { LeftOver } from './deletion.ts';
import { archiveOf } from './export.ts';
import { appendToLog, readLog } from './gallery-log.ts';
import { importVersion } from './import.ts';
import type { ImportOptions } from './import.ts';
import type { Manifest } from './manifest.ts';
import { deleteModel, listUnfinishedDeletions } from './model-deletion.ts';
import type { ModelDeletion } from './model-deletion.ts';
import { parseReference } from './names.ts';
import type { Author } from './names.ts';
import { publish } from './publish.ts';
import type { VersionDraft } from './publish.ts';
import {
  listModels,
  listVersions,
  readFile,
  readManifest,
  requireManifest,
  verify,
  withFile,
} from './versions.ts';
import type { FileProblem } from './versions.ts';

/** What a reference stands for now; `alias` is null when it named the version itself. */
export interface Resolved {
  readonly model: string;
  readonly version: number;
  readonly alias: string | null;
}

/** Models, versions, aliases, galleries' additions and data sets in one store. What each does is said at its function. */
export interface Registry {
  readonly store: ObjectStore;

  publish(model: string, draft: VersionDraft): Promise<Manifest>;
  published(model: string, job: string): Promise<number | null>;
  models(): Promise<string[]>;
  versions(model: string): Promise<number[]>;
  /** Read from the store: it throws when the version was deleted meanwhile. */
  manifest(model: string, version: number): Promise<Manifest>;
  /** As it was when this process first read it, without asking the store again: manifests do not change. */
  knownManifest(model: string, version: number): Promise<Manifest>;
  file(model: string, version: number, name: string): Promise<Uint8Array>;
  /** The same for what takes a path as well: that of a local copy, where copies are kept. */
  withFile<T>(
    model: string,
    version: number,
    name: string,
    work: (file: Uint8Array | string) => Promise<T>,
  ): Promise<T>;
  verify(model: string, version: number): Promise<FileProblem[]>;
  /** The version as a tar archive. */
  archive(manifest: Manifest): AsyncIterable<Uint8Array>;
  /** A version from such an archive. */
  import(archive: string, options: ImportOptions): Promise<Manifest>;
  delete(model: string, version: number, author: Author): Promise<void>;
  deleteModel(model: string, author: Author, options?: ModelDeletion): Promise<number[]>;
  unfinishedDeletions(): Promise<string[]>;
  leftovers(): Promise<LeftOver[]>;
  removeLeftover(model: string, version: number, author: Author): Promise<void>;

  /** Which version `NAME`, `NAME@ALIAS` or `NAME@N` means; errors say what exists. */
  resolve(reference: string): Promise<Resolved>;
  aliases(model: string): Promise<Alias[]>;
  alias(model: string, alias: string): Promise<Alias | null>;
  move(model: string, alias: string, version: number, options: MoveOptions): Promise<Alias>;
  deleteAlias(model: string, alias: string, options?: { readonly force?: boolean }): Promise<void>;
  /** The version that a rollback would come to now, or null. */
  rollbackTarget(alias: Alias): Promise<number | null>;
  rollback(model: string, alias: string, options: Author & Pick<MoveOptions, 'expected'>): Promise<Alias>;

  /** The log of the model's gallery; see gallery-log.ts. */
  changes(model: string, known?: readonly Change[]): Promise<readonly Change[]>;
  append(
    model: string,
    log: readonly Change[],
    facts: readonly Fact[],
    by: string,
  ): Promise<readonly Change[]>;

  dataSets(): Promise<string[]>;
  deleteDataset(dataset: string, author: Author, also?: () => Promise<void>): Promise<number>;
  dataSetPrefix(dataSet: string): string;
  classIn(dataSet: string, className: string): Promise<string>;
  addToDataSet(
    dataSet: string,
    picture: NewPicture,
    options?: { readonly replace?: boolean | { readonly etag: string } },
  ): Promise<{ key: string; written: boolean }>;
}

export interface RegistryOptions {
  /** Keeps copies of large files of versions. @default there are none */
  readonly copies?: LocalCopies;
}

/** The registry in a store; an empty store is an empty registry. */
export function openRegistry(store: ObjectStore, { copies }: RegistryOptions = {}): Registry {
  return {
    store,
    publish: (model, draft) => publish(store, model, draft),
    published: (model, job) => publishedBy(store, model, job),
    models: () => listModels(store),
    versions: (model) => listVersions(store, model),
    manifest: (model, version) => readManifest(store, model, version),
    knownManifest: (model, version) => requireManifest(store, model, version),
    file: (model, version, name) => readFile(store, model, version, name),
    withFile: (model, version, name, work) => withFile(store, copies ?? null, { model, version, name }, work),
    verify: (model, version) => verify(store, model, version),
    archive: (manifest) => archiveOf(store, manifest),
    import: (archive, options) => importVersion(store, archive, options),
    delete: (model, version, author) => deleteVersion(store, model, version, author),
    deleteModel: (model, author, options) => deleteModel(store, model, author, options),
    unfinishedDeletions: () => listUnfinishedDeletions(store),
    leftovers: () => listLeftOvers(store),
    removeLeftover: (model, version, author) => removeLeftOver(store, model, version, author),
    resolve: (reference) => resolve(store, reference),
    aliases: (model) => listAliases(store, model),
    alias: (model, alias) => readAlias(store, model, alias),
    move: (model, alias, version, options) => moveAlias(store, model, alias, version, options),
    deleteAlias: (model, alias, options) => deleteAlias(store, model, alias, options),
    rollbackTarget: (alias) => rollbackTarget(store, alias),
    rollback: (model, alias, options) => rollbackAlias(store, model, alias, options),
    changes: (model, known) => readLog(store, model, known),
    append: (model, log, facts, by) => appendToLog(store, model, log, facts, by),
    dataSets: () => listDataSets(store),
    deleteDataset: (dataset, author, also) => deleteDataset(store, dataset, author, also),
    dataSetPrefix: checkedDataSetPrefix,
    classIn: (dataSet, className) => classIn(store, dataSet, className),
    addToDataSet: (dataSet, picture, options) => addToDataSet(store, dataSet, picture, options),
  };
}

async function resolve(store: ObjectStore, reference: string): Promise<Resolved> {
  const parsed = parseReference(reference);
  if ('version' in parsed) {
    const { model, version } = await readManifest(store, parsed.model, parsed.version);
    return { model, version, alias: null };
  }
  const { model, alias, version } = await requireAlias(store, parsed.model, parsed.alias);
  return { model, version, alias };
}
