/**
 * That a picture of a data set is about to change, noted before it does: a process that is killed in between leaves the note, and whoever
 * starts next ingests what it names. `ingest/<ulid>.json`, away from the data sets, so that no note is an event itself.
 */
import { ulid } from 'ulid';
import { z } from 'zod';
import { encode, readDocument } from '../registry/documents.ts';
import type { ObjectStore } from '../storage/store.ts';
import { isUlid } from '../ulid.ts';
import { unlessDamaged } from '../registry/unless-damaged.ts';
import type { OnDamaged } from '../registry/unless-damaged.ts';

const PREFIX = 'ingest/';
const SUFFIX = '.json';
const intentSchema = z.strictObject({ key: z.string() });

export interface Intent {
  readonly id: string;
  /** `datasets/<dataset>/<class>/<file>` */
  readonly key: string;
}

/** Notes that the picture will change. */
export async function noteIntent(store: ObjectStore, key: string): Promise<Intent> {
  const id = ulid();
  await store.put(keyOf(id), encode({ key }), { ifAbsent: true });
  return { id, key };
}

/** Takes the note back, once the galleries have taken the change up. */
export async function clearIntent(store: ObjectStore, id: string): Promise<void> {
  await store.delete(keyOf(id));
}

/**
 * What was noted and not taken up yet, oldest first; at most so many.
 * @param onDamaged is told of what is no note, which is passed over then
 * @throws CorruptDataError for that, where nobody is told of it
 */
export async function listIntents(
  store: ObjectStore,
  most: number,
  onDamaged?: OnDamaged,
): Promise<Intent[]> {
  const intents: Intent[] = [];
  for await (const { key, problem } of store.list(PREFIX)) {
    const id = key.slice(PREFIX.length, -SUFFIX.length);
    if (problem || !key.endsWith(SUFFIX) || !isUlid(id)) continue;
    const found = await unlessDamaged(() => readDocument(store, key, intentSchema), onDamaged);
    if (found !== null) intents.push({ id, key: found.value.key });
    if (intents.length >= most) break;
  }
  return intents;
}

const keyOf = (id: string): string => `${PREFIX}${id}${SUFFIX}`;
