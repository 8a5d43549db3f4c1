import { randomUUID } from 'node:crypto';
import { ConflictError } from '../errors.ts';
import { putIf } from '../storage/put-if.ts';
import type { ObjectStore } from '../storage/store.ts';
import { touchAliases } from './aliases.ts';
import { claimedVersions, readClaim, takeOver } from './claims.ts';
import { encode } from './documents.ts';
import { LASTING, MODELS, manifestKey, tombstoneKey, versionPrefix } from './layout.ts';
import { checkAuthor, checkName, checkVersion, isName } from './names.ts';
import type { Author } from './names.ts';
import { readModelTombstone } from './model-tombstone.ts';
import { readTombstone } from './tombstones.ts';
import type { Tombstone } from './tombstones.ts';
import { versionExists } from './version-exists.ts';
import { noVersion } from './versions.ts';

/** What a publisher or deleter that died left of a number that is no version. */
export interface LeftOver {
  readonly model: string;
  readonly version: number;
  /** When, by whom and for which job the number was taken; null when that is lost. */
  readonly claim: { at: string; by: string; job: string | null } | null;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Deletes a version that no alias points to; its number stays taken. Done again, it finishes what was interrupted.
 *
 * That no alias is left pointing nowhere, whoever moves one meanwhile, comes from the order. Here: (1) the tombstone,
 * (2) a new revision for every alias, (3) the manifest, (4) the files. A move: (a) read the alias, (b) refuse if there
 * is a tombstone, (c) compare-and-swap the alias. If (a) comes before (2), then (c) either comes before (2), which sees
 * it and refuses to delete, or fails because of (2). If (a) comes after (2), then (b) sees the tombstone. An alias
 * that is new is made without a version first, so that (2) finds it or (a) comes later.
 * @throws NotFoundError; ConflictError when an alias points to it
 */
export async function deleteVersion(
  store: ObjectStore,
  model: string,
  version: number,
  author: Author,
): Promise<void> {
  checkName(model, 'model');
  checkVersion(version);
  checkAuthor(author);
  const before = await readTombstone(store, model, version);
  if (!(await versionExists(store, model, version))) {
    if (before?.value.state !== 'deleting') throw await noVersion(store, model, version);
    await removeFiles(store, model, version);
    return;
  }
  const mine = tombstone('deleting', author);
  const key = tombstoneKey(model, version);
  const { etag } = await store.put(key, encode(mine), before ? { ifMatch: before.etag } : { ifAbsent: true });
  const pointing = await touchAliases(store, model, version);
  if (pointing.length > 0) {
    // Only one's own tombstone may be withdrawn: another deletion may rely on the one that stands now.
    await putIf(store, key, encode({ ...mine, state: 'kept' }), { ifMatch: etag });
    throw new ConflictError(
      `Version ${version} of "${model}" is in use by ${pointing.map((alias) => `"${alias}"`).join(', ')} and was not ` +
        `deleted. Move the alias to another version first.`,
    );
  }
  await store.delete(manifestKey(model, version));
  await removeFiles(store, model, version);
}

/** Numbers with files but without a manifest: a publication in progress, or one whose process died. */
export async function listLeftOvers(store: ObjectStore): Promise<LeftOver[]> {
  const found: LeftOver[] = [];
  for await (const model of store.folders(MODELS)) {
    if (!isName(model, 'model')) continue;
    if ((await readModelTombstone(store, model))?.value.state === 'deleting') continue;
    for (const version of await claimedVersions(store, model)) {
      const leftOver = await inspect(store, model, version);
      if (leftOver !== null) found.push(leftOver);
    }
  }
  return found;
}

/**
 * Removes what is left of a number that is no version. A publisher that is still at it stops with an error.
 * @throws ConflictError when the version exists
 */
export async function removeLeftOver(
  store: ObjectStore,
  model: string,
  version: number,
  author: Author,
): Promise<void> {
  checkName(model, 'model');
  checkVersion(version);
  checkAuthor(author);
  const claim = await readClaim(store, model, version);
  if (claim !== null) await takeOver(store, model, claim);
  if (await versionExists(store, model, version)) {
    throw new ConflictError(`Version ${version} of "${model}" is published; delete it as a version instead.`);
  }
  if ((await readTombstone(store, model, version)) === null) {
    const key = tombstoneKey(model, version);
    await putIf(store, key, encode(tombstone('cleaned', author)), { ifAbsent: true });
  }
  await removeFiles(store, model, version);
}

async function inspect(store: ObjectStore, model: string, version: number): Promise<LeftOver | null> {
  if (await versionExists(store, model, version)) return null;
  const prefix = versionPrefix(model, version);
  let files = 0;
  let bytes = 0;
  for await (const { key, size } of store.list(prefix)) {
    if (LASTING.has(key.slice(prefix.length))) continue;
    files++;
    bytes += size;
  }
  if (files === 0 && (await readTombstone(store, model, version)) !== null) return null;
  const claim = (await readClaim(store, model, version))?.value;
  return {
    model,
    version,
    files,
    bytes,
    claim: claim ? { at: claim.at, by: claim.by, job: claim.job } : null,
  };
}

async function removeFiles(store: ObjectStore, model: string, version: number): Promise<void> {
  const prefix = versionPrefix(model, version);
  const keys: string[] = [];
  for await (const { key, problem } of store.list(prefix)) {
    if (!LASTING.has(key.slice(prefix.length)) && !problem) keys.push(key);
  }
  for (const key of keys) await store.delete(key);
}

function tombstone(state: Tombstone['state'], { by, why }: Author): Tombstone {
  return { state, at: new Date().toISOString(), by, why, token: randomUUID() };
}
