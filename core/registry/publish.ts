import { ConflictError, CorruptDataError, InvalidInputError } from '../errors.ts';
import { keyProblem, quote } from '../storage/keys.ts';
import { describeLocalFile, sha256 } from '../storage/local-file.ts';
import type { ObjectStore } from '../storage/store.ts';
import { putBlob } from './blobs.ts';
import { checkNotDeleted, checkStillMine, claimFor } from './claims.ts';
import type { Claim } from './claims.ts';
import { encode } from './documents.ts';
import { manifestKey, versionPrefix } from './layout.ts';
import { parseOrigin, seal } from './manifest.ts';
import type { Manifest, Origin } from './manifest.ts';
import { checkJob, checkName } from './names.ts';
import { readManifest } from './versions.ts';

type Optional = 'job' | 'parent' | 'testSet' | 'follows' | 'position';

/** Content, or a local file to copy it from; a blob is stored once for all versions that have it. */
export type FileSource = Uint8Array | { readonly file: string; readonly blob?: true };

/** A version before it has a number: where it comes from, and its files by their names below the version. */
export type VersionDraft = Omit<Origin, Optional> &
  Partial<Pick<Origin, Optional>> & {
    readonly files: Readonly<Record<string, FileSource>>;
    /** Files that tell the version's number: made once it is known. */
    readonly numbered?: Readonly<Record<string, (version: number) => Uint8Array>>;
  };

interface Part {
  readonly name: string;
  readonly source: FileSource;
  readonly size: number;
  readonly sha256: string;
  readonly blob?: true;
}

/**
 * Publishes a version: a number first, then the files, and last, by conditional create, the manifest that makes it
 * exist. Killed before that it leaves only what `leftovers` reports. With a job id, publishing again gives the version
 * that the job has published, or finishes what a killed process of that job began, so that a job ends with one version.
 * @param before what else must be there when the version is: done after the files, and also when the job has published already
 * @throws ConflictError when another process publishes for the same job at the same time
 */
export async function publish(
  store: ObjectStore,
  model: string,
  draft: VersionDraft,
  before?: () => Promise<void>,
): Promise<Manifest> {
  checkName(model, 'model');
  const { files, numbered = {}, ...rest } = draft;
  const origin = parseOrigin({
    job: null,
    parent: null,
    testSet: null,
    follows: null,
    position: null,
    ...rest,
  });
  if (origin.job !== null) checkJob(origin.job);
  const known = await inspect(files);
  for (const name of Object.keys(numbered)) checkFileName(name);
  const claimed = await claimFor(store, model, origin.createdBy, origin.job);
  if ('published' in claimed) {
    await before?.();
    return readManifest(store, model, claimed.published);
  }
  const made = Object.entries(numbered).map(([name, make]) => [name, make(claimed.claim.version)] as const);
  const parts = [...known, ...(await inspect(Object.fromEntries(made)))];
  await writeParts(store, model, claimed.claim, parts);
  await before?.();
  return writeManifest(store, model, claimed.claim, origin, parts);
}

/** Everything that can be wrong with the files is found before a number is taken. */
async function inspect(files: VersionDraft['files']): Promise<Part[]> {
  const parts: Part[] = [];
  for (const name of Object.keys(files).toSorted()) {
    checkFileName(name);
    const source = files[name];
    if (source instanceof Uint8Array) {
      parts.push({ name, source, size: source.length, sha256: sha256(source) });
    } else if (source !== undefined) {
      const blob = source.blob ? { blob: source.blob } : {};
      parts.push({ name, source, ...(await describeLocalFile(source.file)), ...blob });
    }
  }
  return parts;
}

function checkFileName(name: string): void {
  const problem = keyProblem(name);
  const reserved = ['manifest.json', 'claim.json', 'deleted.json'].includes(name);
  if (problem === null && !reserved) return;
  throw new InvalidInputError(
    `A version cannot have a file ${quote(name)}: the name ${problem ?? 'is used by the registry itself'}.`,
  );
}

async function writeParts(
  store: ObjectStore,
  model: string,
  claim: Claim,
  parts: readonly Part[],
): Promise<void> {
  const prefix = versionPrefix(model, claim.version);
  const etags = new Map<string, string>();
  const [own, shared] = [parts.filter(({ blob }) => !blob), parts.filter(({ blob }) => blob)];
  for (const part of shared) await putBlob(store, part, part.source);
  for (const { name, source } of own) {
    await checkStillMine(store, model, claim);
    etags.set(name, (await store.put(prefix + name, source)).etag);
  }
  for (const { name, size } of own) {
    const stored = await store.head(prefix + name);
    if (stored?.size === size && stored.etag === etags.get(name)) continue;
    await checkStillMine(store, model, claim);
    throw new CorruptDataError(
      `${quote(prefix + name)} is not what was just written (a file that changed meanwhile, another writer, or a ` +
        `failing disk); version ${claim.version} of "${model}" was not published. Publish it again.`,
    );
  }
}

async function writeManifest(
  store: ObjectStore,
  model: string,
  claim: Claim,
  origin: Origin,
  parts: readonly Part[],
): Promise<Manifest> {
  const { version } = claim;
  const files = Object.fromEntries(
    parts.map(({ name, size, sha256: sum, blob }) => [name, { size, sha256: sum, ...(blob && { blob }) }]),
  );
  const createdAt = new Date().toISOString();
  const manifest = seal({ schemaVersion: 1, model, version, createdAt, ...origin, files });
  await checkStillMine(store, model, claim);
  try {
    await store.put(manifestKey(model, version), encode(manifest), { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof ConflictError) || origin.job === null) throw error;
    return readManifest(store, model, version); // a process of the same job was faster by a hair
  }
  await checkNotDeleted(store, model, claim);
  return manifest;
}
