import { randomUUID } from 'node:crypto';
import { ConflictError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { readAliasDocument, swapAlias } from './alias-document.ts';
import { encode } from './documents.ts';
import type { Stored } from './documents.ts';
import { MODELS, modelPrefix, modelTombstoneKey } from './layout.ts';
import { DEFAULT_ALIAS, checkAuthor, checkName, isName } from './names.ts';
import type { Author } from './names.ts';
import { readModelTombstone } from './model-tombstone.ts';
import type { ModelTombstone } from './model-tombstone.ts';
import { keysBelow, removeAll } from './remove-all.ts';
import { listVersions, noModel } from './versions.ts';

export interface ModelDeletion {
  /** Delete the model also while it is in production. @default false */
  readonly force?: boolean;
  /** Removes what belongs to the model elsewhere, once every reader sees the model as gone. Repeated after a kill. */
  readonly also?: () => Promise<void>;
}

/** Other processes may still write a moment; one that writes forever must not keep the deletion busy forever. */
const PASSES = 100;

/**
 * Deletes a model with everything below `models/<model>/` but its tombstone. Repeating it finishes an interrupted
 * deletion, whether forced or not.
 *
 * The tombstone is written first, and readers hold every version up to its number to be gone, so that nobody sees half a
 * model, and a publisher that is late by any time publishes nothing that is seen. That no model vanishes from production
 * unforced comes from the order. Here: (1) state `checking`, (2) a new revision for the alias, (3) refuse if it points to a
 * version. A move: (a) read the alias, (b) refuse if the model is being deleted, (c) compare-and-swap the alias. If (a)
 * comes before (2), then (c) either comes before (2), so that (3) sees it, or fails because of (2). If (a) comes after (2),
 * then (b) sees (1).
 * @returns the versions it had
 * @throws NotFoundError; ConflictError while it is in production, or when another process deletes it at the same time
 */
export async function deleteModel(
  store: ObjectStore,
  model: string,
  author: Author,
  { force = false, also }: ModelDeletion = {},
): Promise<number[]> {
  checkName(model, 'model');
  checkAuthor(author);
  let mine = await readModelTombstone(store, model);
  const versions = await listVersions(store, model);
  if (mine?.value.state !== 'deleting') {
    if ((await ownKeys(store, model)).length === 0) throw await noModel(store, model);
    if (!force) mine = await checked(store, model, mine, author);
  }
  mine = await mark(store, model, mine, author, { state: 'deleting' });
  await also?.();
  for (let pass = 1; ; pass++) {
    const keys = await ownKeys(store, model);
    if (keys.length === 0) break;
    if (pass > PASSES) {
      throw new ConflictError(
        `Other processes keep writing to the model "${model}". Stop them, then delete it again to finish.`,
      );
    }
    const upTo = Math.max(mine.value.upTo, ...numbersIn(keys, model));
    if (upTo > mine.value.upTo) mine = await mark(store, model, mine, author, { upTo });
    // Servers look at aliases, and publishers at claims.
    await removeAll(store, keys.filter(isFirst));
    await removeAll(
      store,
      keys.filter((key) => !isFirst(key)),
    );
  }
  await mark(store, model, mine, author, { state: 'deleted' });
  return versions;
}

/** The models whose deletion was interrupted, or is going on. */
export async function listUnfinishedDeletions(store: ObjectStore): Promise<string[]> {
  const unfinished: string[] = [];
  for await (const model of store.folders(MODELS)) {
    if (!isName(model, 'model')) continue;
    const state = (await readModelTombstone(store, model))?.value.state;
    if (state !== undefined && state !== 'deleted') unfinished.push(model);
  }
  return unfinished;
}

/** Marks the model as being checked, and gives that mark when it is not in production. @throws ConflictError */
async function checked(
  store: ObjectStore,
  model: string,
  before: Stored<ModelTombstone> | null,
  author: Author,
): Promise<Stored<ModelTombstone>> {
  const alias = await readAliasDocument(store, model, DEFAULT_ALIAS);
  if (alias !== null) refuseInProduction(model, alias.value.version);
  const mine = await mark(store, model, before, author, { state: 'checking' });
  try {
    if (alias === null && (await readAliasDocument(store, model, DEFAULT_ALIAS)) === null) return mine;
    const now = await swapAlias(store, model, DEFAULT_ALIAS, async (current) => {
      return { ...current, revision: current.revision + 1 };
    });
    refuseInProduction(model, now.version);
    return mine;
  } catch (error) {
    await mark(store, model, mine, author, { state: 'deleted' }).catch(ignoreConflict);
    throw error;
  }
}

function refuseInProduction(model: string, version: number | null): void {
  if (version === null) return;
  throw new ConflictError(
    `The model "${model}" is in production: its alias "${DEFAULT_ALIAS}" is at version ${version}. Nothing was deleted. ` +
      `Delete that alias first, or force it (--force, over HTTP ?force=true).`,
  );
}

/** Replaces the tombstone that was read. @throws ConflictError when another process did so meanwhile */
async function mark(
  store: ObjectStore,
  model: string,
  before: Stored<ModelTombstone> | null,
  { by, why }: Author,
  change: Partial<ModelTombstone>,
): Promise<Stored<ModelTombstone>> {
  const fresh = { at: new Date().toISOString(), by, why, token: randomUUID() };
  const value = { state: 'deleting' as const, upTo: 0, ...before?.value, ...fresh, ...change };
  const condition = before === null ? { ifAbsent: true as const } : { ifMatch: before.etag };
  try {
    return { value, etag: (await store.put(modelTombstoneKey(model), encode(value), condition)).etag };
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const message = `Another process is deleting the model "${model}" too. Delete it again if that one does not finish.`;
    throw new ConflictError(message, { cause: error });
  }
}

async function ownKeys(store: ObjectStore, model: string): Promise<string[]> {
  const keys = await keysBelow(store, modelPrefix(model));
  return keys.filter((key) => key !== modelTombstoneKey(model));
}

/** All version numbers that the keys tell of. */
function numbersIn(keys: readonly string[], model: string): number[] {
  const prefix = modelPrefix(model);
  return keys.flatMap((key) => {
    const number = /^versions\/([1-9]\d{0,14})\//.exec(key.slice(prefix.length))?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

const isFirst = (key: string): boolean => /\/aliases\/[^/]+$|\/claim\.json$/.test(key);

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}
