import { ConflictError, NothingBeforeError, NotFoundError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { aliasNames, readAliasDocument, swapAlias } from './alias-document.ts';
import type { AliasDocument } from './alias-document.ts';
import { goneUpTo, readModelTombstone, requireNotDeleting } from './model-tombstone.ts';
import { DEFAULT_ALIAS, checkAuthor, checkName, checkVersion } from './names.ts';
import type { Author } from './names.ts';
import { suggest } from '../suggest.ts';
import { readTombstone } from './tombstones.ts';
import { versionExists } from './version-exists.ts';
import { listVersions, noModel, noVersion } from './versions.ts';

export type AliasMove = Readonly<AliasDocument['history'][number]>;

/** An alias and all its moves, oldest first. */
export interface Alias {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly revision: number;
  readonly history: readonly AliasMove[];
}

export interface MoveOptions extends Author {
  /** Move only if the alias is at this version now (null: if there is no such alias), or at this revision. */
  readonly expected?: number | null | { readonly revision: number } | undefined;
}

/** The alias, or null when there is none. */
export async function readAlias(store: ObjectStore, model: string, alias: string): Promise<Alias | null> {
  checkName(model, 'model');
  checkName(alias, 'alias');
  const found = await readAliasDocument(store, model, alias);
  return found && present(model, alias, found.value);
}

/** The model's aliases, in code-unit order. */
export async function listAliases(store: ObjectStore, model: string): Promise<Alias[]> {
  checkName(model, 'model');
  const aliases: Alias[] = [];
  for (const name of await aliasNames(store, model)) {
    const alias = await readAlias(store, model, name);
    if (alias !== null) aliases.push(alias);
  }
  return aliases;
}

/** The alias. @throws NotFoundError saying what exists */
export async function requireAlias(store: ObjectStore, model: string, alias: string): Promise<Alias> {
  const [found, tombstone] = await Promise.all([
    readAlias(store, model, alias),
    readModelTombstone(store, model),
  ]);
  if (found !== null && found.version > goneUpTo(tombstone)) return found;
  if ((await listVersions(store, model)).length === 0) throw await noModel(store, model);
  const others = (await listAliases(store, model)).map((each) => each.alias);
  throw new NotFoundError(
    `The model "${model}" has no alias "${alias}".${suggest(alias, others, 'alias of it')} ` +
      `Name a version as "${model}@N", or set the alias with "kindred models promote".`,
  );
}

/**
 * Points the alias, new or not, to a version, and adds to its history. Of several at once with the same `expected`
 * one wins; without `expected` all are carried out, one after another.
 * @throws NotFoundError when the version does not exist; ConflictError when the alias is not as expected
 */
export async function moveAlias(
  store: ObjectStore,
  model: string,
  alias: string,
  version: number,
  options: MoveOptions,
): Promise<Alias> {
  checkVersion(version);
  return change(store, model, alias, options, async (current) => {
    checkExpected(model, alias, current, options.expected);
    return { version };
  });
}

/**
 * Moves the alias back to the version that was live before the present one. Promotions pile up and a rollback takes
 * the uppermost off: after 1, 2, 3 a rollback gives 2, the next one 1; after a new promotion of 4 it gives 1 again.
 * Versions deleted meanwhile are passed over.
 * @throws NothingBeforeError when there is nothing to go back to; ConflictError when somebody moves the alias at the same time
 */
export async function rollbackAlias(
  store: ObjectStore,
  model: string,
  alias: string,
  author: Author & Pick<MoveOptions, 'expected'>,
): Promise<Alias> {
  const seen = await requireAlias(store, model, alias);
  return change(store, model, alias, author, async (current) => {
    checkExpected(model, alias, current, author.expected);
    if (current.history.length !== seen.history.length) {
      throw new ConflictError(
        `The alias "${alias}" of "${model}" was moved to ${current.version} meanwhile; nothing was rolled back. ` +
          `Look at its history and decide anew.`,
      );
    }
    const version = await rollbackTarget(store, { ...seen, history: current.history });
    if (version !== null) return { version, rollback: true };
    throw new NothingBeforeError(
      `The alias "${alias}" of "${model}" has been at no other version that still exists; there is nothing to go ` +
        `back to. Promote a version by its number instead.`,
    );
  });
}

/**
 * Deletes the alias with its history, which is one compare-and-swap. Its document stays, without a version, so that its
 * revisions never repeat. The alias "production" goes only when forced: requests are answered by it.
 * @throws NotFoundError; ConflictError for "production" unless forced
 */
export async function deleteAlias(
  store: ObjectStore,
  model: string,
  alias: string,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  const { version } = await requireAlias(store, model, alias);
  if (alias === DEFAULT_ALIAS && !force) {
    throw new ConflictError(
      `The alias "${alias}" of "${model}" is in production, at version ${version}; it was not deleted. Move it to another ` +
        `version, or force it (--force, over HTTP ?force=true): then requests that name no version are answered by none.`,
    );
  }
  await swapAlias(store, model, alias, async (current) => {
    // Another process was faster.
    if (current.version === null) return null;
    return { version: null, revision: current.revision + 1, history: [] };
  });
}

/** The version that a rollback of the alias would come to now, or null when there is none. */
export async function rollbackTarget(store: ObjectStore, alias: Alias): Promise<number | null> {
  for (const version of liveBefore(alias.history)) {
    if (await isAlive(store, alias.model, version)) return version;
  }
  return null;
}

/** The versions that rollbacks would come to, the next one first. */
export function liveBefore(history: readonly AliasMove[]): number[] {
  const pile: number[] = [];
  for (const { version, rollback } of history) {
    if (rollback) {
      while (pile.length > 0 && pile.at(-1) !== version) pile.pop();
    } else if (pile.at(-1) !== version) {
      pile.push(version);
    }
  }
  const current = pile.pop();
  return pile.toReversed().filter((version) => version !== current);
}

/**
 * Gives every alias of the model a new revision, so that a move that began before now fails and looks again, and
 * returns those that point to `version`. For `deleteVersion`, which says why.
 */
export async function touchAliases(store: ObjectStore, model: string, version: number): Promise<string[]> {
  const pointing: string[] = [];
  for (const alias of await aliasNames(store, model)) {
    const now = await swapAlias(store, model, alias, async (current) => {
      return { ...current, revision: current.revision + 1 };
    });
    if (now.version === version) pointing.push(alias);
  }
  return pointing;
}

type Step = { version: number; rollback?: true };

async function change(
  store: ObjectStore,
  model: string,
  alias: string,
  author: Author,
  decide: (current: AliasDocument) => Promise<Step>,
): Promise<Alias> {
  checkName(model, 'model');
  checkName(alias, 'alias');
  checkAuthor(author);
  const { by, why } = author;
  const changed = await swapAlias(store, model, alias, async (current) => {
    const step = await decide(current);
    requireNotDeleting(model, await readModelTombstone(store, model));
    if (!(await isAlive(store, model, step.version))) throw await noVersion(store, model, step.version);
    const entry = { ...step, from: current.version, at: new Date().toISOString(), by, why };
    return { version: step.version, revision: current.revision + 1, history: [...current.history, entry] };
  });
  const result = present(model, alias, changed);
  if (result === null) throw new ConflictError(`The alias "${alias}" of "${model}" was not moved.`);
  return result;
}

/** A version that exists and that nobody is deleting. */
async function isAlive(store: ObjectStore, model: string, version: number): Promise<boolean> {
  if ((await readTombstone(store, model, version))?.value.state === 'deleting') return false;
  return versionExists(store, model, version);
}

function checkExpected(
  model: string,
  alias: string,
  current: AliasDocument,
  expected: MoveOptions['expected'],
): void {
  if (expected === undefined) return;
  if (expected !== null && typeof expected !== 'object') checkVersion(expected);
  const holds =
    expected !== null && typeof expected === 'object'
      ? current.revision === expected.revision
      : current.version === expected;
  if (holds) return;
  const wanted =
    expected === null
      ? 'no version'
      : typeof expected === 'object'
        ? `revision ${expected.revision}`
        : expected;
  throw new ConflictError(
    `The alias "${alias}" of "${model}" is at ${current.version ?? 'no version'} (revision ${current.revision}), ` +
      `expected was ${wanted}; it was not moved. Look at its history and decide anew.`,
  );
}

function present(model: string, alias: string, { version, revision, history }: AliasDocument): Alias | null {
  return version === null ? null : { model, alias, version, revision, history };
}
