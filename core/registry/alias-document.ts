/** An alias as it is stored, and changing it by compare-and-swap. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ConflictError } from '../errors.ts';
import { putIf } from '../storage/put-if.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode, readDocument } from './documents.ts';
import type { Stored } from './documents.ts';
import { aliasKey, aliasesPrefix } from './layout.ts';
import { isName } from './names.ts';

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
  /** Null while the alias is being made, and once it is deleted. */
  version: z.number().int().min(1).nullable(),
  /** Goes up with every change of this document, so that no two states are alike. */
  revision: z.number().int().min(0).default(0),
  /** Oldest first; only ever added to, until the alias is deleted. */
  history: z.array(move),
  /** Of one just made: makes it another than one of the same name in a model that was deleted. */
  made: z.string().optional(),
});

export type AliasDocument = z.infer<typeof aliasSchema>;

/** Compare-and-swap on the alias' document until it holds; `next` sees a fresh state each time, null leaves it. */
export async function swapAlias(
  store: ObjectStore,
  model: string,
  alias: string,
  next: (current: AliasDocument) => Promise<AliasDocument | null>,
): Promise<AliasDocument> {
  for (let attempt = 1; ; attempt++) {
    const current = (await readAliasDocument(store, model, alias)) ?? (await make(store, model, alias, next));
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
  next: (current: AliasDocument) => Promise<AliasDocument | null>,
): Promise<Stored<AliasDocument> | null> {
  const value: AliasDocument = { version: null, revision: 0, history: [], made: randomUUID() };
  await next(value); // refuses what would be refused anyway, before anything is written
  const etag = await putIf(store, aliasKey(model, alias), encode(value), { ifAbsent: true });
  return etag === null ? null : { value, etag };
}

/** The document, or null when there is none. @throws CorruptDataError */
export function readAliasDocument(
  store: ObjectStore,
  model: string,
  alias: string,
): Promise<Stored<AliasDocument> | null> {
  return readDocument(store, aliasKey(model, alias), aliasSchema);
}

/** The names of the model's alias documents, in code-unit order; files of others, such as copies that a person made, are none. */
export async function aliasNames(store: ObjectStore, model: string): Promise<string[]> {
  const prefix = aliasesPrefix(model);
  const names: string[] = [];
  for await (const { key, problem } of store.list(prefix)) {
    const name = key.slice(prefix.length, -'.json'.length);
    if (key.endsWith('.json') && !problem && isName(name, 'alias')) names.push(name);
  }
  return names;
}
