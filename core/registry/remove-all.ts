import { inOrder } from '../images/in-order.ts';
import type { ObjectStore } from '../storage/store.ts';

const DELETES_AT_ONCE = 16;

/** All keys below the prefix; files of a folder store that are no objects are passed over. */
export async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key, problem } of store.list(prefix)) if (!problem) keys.push(key);
  return keys;
}

/** Deletes the objects, several at once. */
export async function removeAll(store: ObjectStore, keys: readonly string[]): Promise<void> {
  for await (const _ of inOrder(keys, DELETES_AT_ONCE, (key) => store.delete(key)));
}
