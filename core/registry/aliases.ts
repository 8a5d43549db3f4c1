import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode, readDocument } from './documents.ts';
import type { Stored } from './documents.ts';
import { aliasKey, aliasesPrefix } from './layout.ts';
import { checkAuthor, checkName, checkVersion } from './names.ts';
import type { Author } from './names.ts';
import { suggest } from './suggest.ts';
import { readTombstone } from './tombstones.ts';
import { listVersions, noModel, noVersion, versionExists } from './versions.ts';

const ATTEMPTS = 100;
const LONGEST_PAUSE_MS = 50;

const move = z.strictObject({
  version: z.number().int().min(1),
  /** The version before; null at first. */
  from: z.number().int().min(1).nullable(),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  rollback: z.literal(true).optional(),
});
const aliasSchema = z.strictObject({
  /** Null while the alias is being made. */
  version: z.number().int().min(1).nullable(),
  /** Goes up with every change of this document, so that no two states are alike. */
  revision: z.number().int().min(0).default(0),
  /** Oldest first; only ever added to. */
  history: z.array(move),
});

type Document = z.infer<typeof aliasSchema>;
export type AliasMove = Readonly<z.infer<typeof move>>;

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
  readonly expected?: number | null | { readonly revision: number };
  /** Leave the alias and its history as they are when it is at the version already: for jobs that are resumed. */
  readonly unlessThere?: boolean;
}

/** The alias, or null when there is none. */
export async function readAlias(store: ObjectStore, model: string, alias: string): Promise<Alias | null> {
  checkName(model, 'model');
  checkName(alias, 'alias');
  const found = await read(store, model, alias);
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
  const found = await readAlias(store, model, alias);
  if (found !== null) return found;
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
    if (options.unlessThere && current.version === version) return null;
    return { version };
  });
}

/**
 * Moves the alias back to the version that was live before the present one. Promotions pile up and a rollback takes
 * the uppermost off: after 1, 2, 3 a rollback gives 2, the next one 1; after a new promotion of 4 it gives 1 again.
 * Versions deleted meanwhile are passed over.
 * @throws ConflictError when there is nothing to go back to, or somebody moves the alias at the same time
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
    for (const version of liveBefore(current.history)) {
      if (await isAlive(store, model, version)) return { version, rollback: true };
    }
    throw new ConflictError(
      `The alias "${alias}" of "${model}" has been at no other version that still exists; there is nothing to go ` +
        `back to. Promote a version by its number instead.`,
    );
  });
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
    const now = await swap(store, model, alias, async (current) => {
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
  decide: (current: Document) => Promise<Step | null>,
): Promise<Alias> {
  checkName(model, 'model');
  checkName(alias, 'alias');
  checkAuthor(author);
  const { by, why } = author;
  const changed = await swap(store, model, alias, async (current) => {
    const step = await decide(current);
    if (step === null) return null;
    if (!(await isAlive(store, model, step.version))) throw await noVersion(store, model, step.version);
    const entry = { ...step, from: current.version, at: new Date().toISOString(), by, why };
    return { version: step.version, revision: current.revision + 1, history: [...current.history, entry] };
  });
  const result = present(model, alias, changed);
  if (result === null) throw new ConflictError(`The alias "${alias}" of "${model}" was not moved.`);
  return result;
}

/** Compare-and-swap on the alias' document until it holds; `next` sees a fresh state each time, null leaves it. */
async function swap(
  store: ObjectStore,
  model: string,
  alias: string,
  next: (current: Document) => Promise<Document | null>,
): Promise<Document> {
  for (let attempt = 1; ; attempt++) {
    const current = (await read(store, model, alias)) ?? (await make(store, model, alias, next));
    if (current === null) continue;
    const wanted = await next(current.value);
    if (wanted === null) return current.value;
    try {
      await store.put(aliasKey(model, alias), encode(wanted), { ifMatch: current.etag });
      return wanted;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (attempt >= ATTEMPTS) {
        const message = `The alias "${alias}" of "${model}" is changed by too many at once; it was not moved. Try again.`;
        throw new ConflictError(message, { cause: error });
      }
    }
    await sleep(Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE_MS));
  }
}

/** Makes the alias' document with no version yet: a deletion must find, and touch, what a first move works on. */
async function make(
  store: ObjectStore,
  model: string,
  alias: string,
  next: (current: Document) => Promise<Document | null>,
): Promise<Stored<Document> | null> {
  const value: Document = { version: null, revision: 0, history: [] };
  await next(value); // refuses what would be refused anyway, before anything is written
  try {
    return { value, etag: (await store.put(aliasKey(model, alias), encode(value), { ifAbsent: true })).etag };
  } catch (error) {
    if (error instanceof ConflictError) return null;
    throw error;
  }
}

function read(store: ObjectStore, model: string, alias: string): Promise<Stored<Document> | null> {
  return readDocument(store, aliasKey(model, alias), aliasSchema);
}

async function aliasNames(store: ObjectStore, model: string): Promise<string[]> {
  const prefix = aliasesPrefix(model);
  const names: string[] = [];
  for await (const { key, problem } of store.list(prefix)) {
    if (key.endsWith('.json') && !problem) names.push(key.slice(prefix.length, -'.json'.length));
  }
  return names;
}

/** A version that exists and that nobody is deleting. */
async function isAlive(store: ObjectStore, model: string, version: number): Promise<boolean> {
  if ((await readTombstone(store, model, version))?.value.state === 'deleting') return false;
  return versionExists(store, model, version);
}

function checkExpected(
  model: string,
  alias: string,
  current: Document,
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

function present(model: string, alias: string, { version, revision, history }: Document): Alias | null {
  return version === null ? null : { model, alias, version, revision, history };
}
