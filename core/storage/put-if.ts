import { ConflictError } from '../errors.ts';
import type { ObjectStore, PutCondition } from './store.ts';

/** Stores the object if the condition holds. @returns its etag, or null when the condition does not hold: nothing was written */
export async function putIf(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  condition: PutCondition,
): Promise<string | null> {
  try {
    return (await store.put(key, bytes, condition)).etag;
  } catch (error) {
    if (error instanceof ConflictError) return null;
    throw error;
  }
}
