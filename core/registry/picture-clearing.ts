/**
 * Removing kept pictures that no gallery refers to any more. A picture is written before the segment that refers to it, so somebody who
 * clears away and somebody who adds must not meet. Each puts up a sign and only then looks for the other's: of two at once at least one
 * sees the other. Who clears gives way, who adds waits.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { z } from 'zod';
import { ConflictError, CorruptDataError } from '../errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { claimedVersions } from './claims.ts';
import { encode, readDocument } from './documents.ts';
import { addingPrefix, clearingKey, picturesPrefix } from './layout.ts';
import { readChanges } from './segments.ts';

/** Signs that are older are of processes that are gone. */
const ADDING_MS = 24 * 60 * 60_000;
const CLEARING_MS = 10 * 60_000;
const LOOK_MS = 100;

const signSchema = z.strictObject({ at: z.iso.datetime(), token: z.string() });

/** Does the work while nobody clears pictures away. */
export async function whileAdding<T>(store: ObjectStore, model: string, work: () => Promise<T>): Promise<T> {
  const sign = `${addingPrefix(model)}${ulid()}.json`;
  await store.put(sign, encode(newSign()));
  try {
    while (await isUp(store, clearingKey(model), CLEARING_MS)) await sleep(LOOK_MS);
    return await work();
  } finally {
    await store.delete(sign);
  }
}

/**
 * Removes the kept pictures of the model that no segment of any of its versions adds.
 * @returns how many; none while somebody adds some, while somebody else clears, or when a damaged segment cannot be asked
 */
export async function clearPictures(store: ObjectStore, model: string): Promise<number> {
  if ((await keptKeys(store, model)).size === 0) return 0;
  const token = await putUpSign(store, clearingKey(model));
  if (token === null) return 0;
  try {
    return (await isSomebodyAdding(store, model)) ? 0 : await clear(store, model);
  } catch (error) {
    if (error instanceof CorruptDataError) return 0;
    throw error;
  } finally {
    const sign = await readDocument(store, clearingKey(model), signSchema);
    if (sign?.value.token === token) await store.delete(clearingKey(model));
  }
}

async function clear(store: ObjectStore, model: string): Promise<number> {
  const began = Date.now();
  const kept = await keptKeys(store, model);
  for (const sum of await referredSums(store, model)) kept.delete(sum);
  let cleared = 0;
  for (const keys of kept.values()) {
    // Somebody may take this process for gone soon.
    if (Date.now() - began > CLEARING_MS / 2) break;
    for (const key of keys) await store.delete(key);
    cleared++;
  }
  return cleared;
}

/** Where each picture is kept, by its checksum. */
export async function keptKeys(store: ObjectStore, model: string): Promise<Map<string, string[]>> {
  const prefix = picturesPrefix(model);
  const keys = new Map<string, string[]>();
  for await (const { key, problem } of store.list(prefix)) {
    const sum = /^([0-9a-f]{64})(\.json)?$/.exec(key.slice(prefix.length))?.[1];
    if (sum !== undefined && !problem) keys.set(sum, [...(keys.get(sum) ?? []), key]);
  }
  return keys;
}

async function referredSums(store: ObjectStore, model: string): Promise<Set<string>> {
  const sums = new Set<string>();
  for (const version of await claimedVersions(store, model)) {
    for (const { entries } of await readChanges(store, model, version)) {
      for (const entry of entries) if (entry.op === 'add') sums.add(entry.sha256);
    }
  }
  return sums;
}

async function isSomebodyAdding(store: ObjectStore, model: string): Promise<boolean> {
  const signs: string[] = [];
  for await (const { key } of store.list(addingPrefix(model))) signs.push(key);
  for (const sign of signs) {
    if (await isUp(store, sign, ADDING_MS)) return true;
    await store.delete(sign);
  }
  return false;
}

/** @returns what tells the sign from those of others, or null while another one is up */
async function putUpSign(store: ObjectStore, key: string): Promise<string | null> {
  const sign = newSign();
  const old = await readDocument(store, key, signSchema);
  if (old !== null && isRecent(old.value.at, CLEARING_MS)) return null;
  try {
    await store.put(key, encode(sign), old === null ? { ifAbsent: true } : { ifMatch: old.etag });
    return sign.token;
  } catch (error) {
    if (error instanceof ConflictError) return null;
    throw error;
  }
}

async function isUp(store: ObjectStore, key: string, lasts: number): Promise<boolean> {
  const sign = await readDocument(store, key, signSchema);
  return sign !== null && isRecent(sign.value.at, lasts);
}

const isRecent = (at: string, lasts: number): boolean => Date.now() - Date.parse(at) < lasts;

function newSign(): z.infer<typeof signSchema> {
  return { at: new Date().toISOString(), token: randomUUID() };
}
