import { createHash } from 'node:crypto';
import { CorruptDataError, NotFoundError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import type { LocalCopies } from '../storage/local-copies.ts';
import { sha256 } from '../storage/local-file.ts';
import type { ObjectStore } from '../storage/store.ts';
import { claimedVersions } from './claims.ts';
import { withBlob } from './blobs.ts';
import { forgetManifest, knownManifest, rememberManifest } from './known-manifests.ts';
import { MODELS, blobKey, manifestKey, versionPrefix } from './layout.ts';
import { parseManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { goneUpTo, readModelTombstone } from './model-tombstone.ts';
import { checkName, checkVersion, isName } from './names.ts';
import { suggest } from '../suggest.ts';
import { hasManifest } from './version-exists.ts';

export interface FileProblem {
  readonly file: string;
  readonly reason: string;
}

/** The models that have a version, in code-unit order. */
export async function listModels(store: ObjectStore): Promise<string[]> {
  const models: string[] = [];
  for await (const name of store.folders(MODELS)) {
    if (isName(name, 'model') && (await hasVersion(store, name))) models.push(name);
  }
  return models;
}

/** The model's versions, ascending; none for a model that does not exist. */
export async function listVersions(store: ObjectStore, model: string): Promise<number[]> {
  checkName(model, 'model');
  const tombstone = await readModelTombstone(store, model);
  const claimed = (await claimedVersions(store, model)).filter((version) => version > goneUpTo(tombstone));
  const exists = await Promise.all(claimed.map((version) => hasManifest(store, model, version)));
  return claimed.filter((_, i) => exists[i]);
}

/**
 * The version's manifest, checked.
 * @throws NotFoundError saying what exists; CorruptDataError when it was damaged
 */
export async function readManifest(store: ObjectStore, model: string, version: number): Promise<Manifest> {
  checkName(model, 'model');
  checkVersion(version);
  const [found, tombstone] = await Promise.all([
    store.get(manifestKey(model, version)),
    readModelTombstone(store, model),
  ]);
  if (found === null || version <= goneUpTo(tombstone)) {
    forgetManifest(store, model, version);
    throw await noVersion(store, model, version);
  }
  const manifest = parseManifest(found.bytes, model, version);
  rememberManifest(store, manifest);
  return manifest;
}

/** The same, without asking the store again for one that this process has read. */
export async function requireManifest(store: ObjectStore, model: string, version: number): Promise<Manifest> {
  return knownManifest(store, model, version) ?? readManifest(store, model, version);
}

/** The error for a version that is not there, or whose model is not. */
export async function noVersion(store: ObjectStore, model: string, version: number): Promise<NotFoundError> {
  const versions = await listVersions(store, model);
  if (versions.length === 0) return noModel(store, model);
  const newestFirst = versions.toReversed().map(String);
  return new NotFoundError(
    `The model "${model}" has no version ${version}.${suggest('', newestFirst, 'version')} ` +
      `"kindred models list" shows them.`,
  );
}

/** The error for a model that is not there, naming those that are. */
export async function noModel(store: ObjectStore, model: string): Promise<NotFoundError> {
  const hint = suggest(model, await listModels(store), 'model in this registry');
  return new NotFoundError(`There is no model "${model}" in ${quote(store.uri)}.${hint}`);
}

/**
 * The bytes of one file of a version, equal in size and SHA-256 to what was published.
 * @throws NotFoundError when the version has no such file; CorruptDataError when it is missing or damaged
 */
export async function readFile(
  store: ObjectStore,
  model: string,
  version: number,
  name: string,
): Promise<Uint8Array> {
  const manifest = await requireManifest(store, model, version);
  const expected = requireFile(manifest, name);
  const found = await store.get(fileKey(manifest, name));
  if (found === null) throw await missing(store, manifest, name);
  const reason = difference(expected, found.bytes.length, sha256(found.bytes));
  if (reason !== null) throw badFile(manifest, name, reason);
  return found.bytes;
}

/**
 * Gives `work` the path of a checked local copy of a file, where copies are kept, else the file's bytes. For blobs see
 * {@link withBlob}.
 * @throws as {@link readFile}
 */
export async function withFile<T>(
  store: ObjectStore,
  copies: LocalCopies | null,
  { model, version, name }: { readonly model: string; readonly version: number; readonly name: string },
  work: (file: Uint8Array | string) => Promise<T>,
): Promise<T> {
  const manifest = await requireManifest(store, model, version);
  const original = {
    ...requireFile(manifest, name),
    pieces: () => readChecked(store, manifest, name),
  };
  if (original.blob) return withBlob(store, copies, original, work);
  const bytes = () => readFile(store, model, version, name);
  if (copies === null) return work(await bytes());
  return copies.use(original, async (copy) => work(copy ?? (await bytes())));
}

/** Every file of the version that is missing or damaged; none when all are as published. */
export async function verify(store: ObjectStore, model: string, version: number): Promise<FileProblem[]> {
  const manifest = await readManifest(store, model, version);
  const problems: FileProblem[] = [];
  for (const file of Object.keys(manifest.files)) {
    try {
      for await (const piece of readChecked(store, manifest, file)) void piece;
    } catch (error) {
      if (!(error instanceof CorruptDataError)) throw error;
      problems.push({ file, reason: error.message });
    }
  }
  return problems;
}

/**
 * The file in pieces; what was given is only to be trusted after the last one.
 * @throws CorruptDataError at the end, when the whole is not what was published
 */
export async function* readChecked(
  store: ObjectStore,
  manifest: Manifest,
  name: string,
): AsyncGenerator<Uint8Array> {
  const expected = requireFile(manifest, name);
  const pieces = await store.read(fileKey(manifest, name));
  if (pieces === null) throw await missing(store, manifest, name);
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
    yield piece;
  }
  const reason = difference(expected, size, hash.digest('hex'));
  if (reason !== null) throw badFile(manifest, name, reason);
}

/** @throws NotFoundError */
function requireFile({ model, version, files }: Manifest, name: string): Manifest['files'][string] {
  const found = Object.hasOwn(files, name) ? files[name] : undefined;
  if (found !== undefined) return found;
  const hint = suggest(name, Object.keys(files), 'file in it');
  throw new NotFoundError(`Version ${version} of "${model}" has no file ${quote(name)}.${hint}`);
}

function difference(expected: { size: number; sha256: string }, size: number, sum: string): string | null {
  if (size !== expected.size) return `is damaged: ${size} bytes instead of ${expected.size}`;
  return sum === expected.sha256 ? null : `is damaged: its SHA-256 is ${sum} instead of ${expected.sha256}`;
}

/** Where the file lies: below the version, or among the blobs. */
export function fileKey({ model, version, files }: Manifest, name: string): string {
  const { sha256: sum, blob } = files[name] ?? {};
  return sum !== undefined && blob ? blobKey(sum) : versionPrefix(model, version) + name;
}

/** The error for a file that is not there: the version may have been deleted since its manifest was read. */
async function missing(store: ObjectStore, manifest: Manifest, name: string): Promise<Error> {
  await readManifest(store, manifest.model, manifest.version);
  return badFile(manifest, name, 'is missing');
}

function badFile(manifest: Manifest, name: string, reason: string): CorruptDataError {
  const { model } = manifest;
  return new CorruptDataError(
    `The file ${quote(fileKey(manifest, name))} ${reason}. Restore it from a backup, or roll back to ` +
      `another version of "${model}" ("kindred models rollback") and train again.`,
  );
}

async function hasVersion(store: ObjectStore, model: string): Promise<boolean> {
  const gone = goneUpTo(await readModelTombstone(store, model));
  for (const version of (await claimedVersions(store, model)).toReversed()) {
    if (version <= gone) return false;
    if (await hasManifest(store, model, version)) return true;
  }
  return false;
}
