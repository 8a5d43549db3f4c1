import { ConflictError } from '../../errors.ts';
import { encode } from '../../registry/documents.ts';
import type { ObjectStore } from '../../storage/store.ts';

/**
 * Writes the document unless there is one: of all who decide the same thing at once, the first one counts.
 * @param read reads what is there; null: nothing
 * @returns the document that counts: this one, or the one of who was first
 */
export async function firstOf<T extends object>(
  store: ObjectStore,
  key: string,
  mine: T,
  read: () => Promise<T | null>,
): Promise<T> {
  try {
    await store.put(key, encode(mine), { ifAbsent: true });
    return mine;
  } catch (error) {
    const found = error instanceof ConflictError ? await read() : null;
    if (found === null) throw error;
    return found;
  }
}
