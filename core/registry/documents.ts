import { z } from 'zod';
import { ConflictError, CorruptDataError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import { reasonOf } from '../storage/reason.ts';
import type { ObjectStore } from '../storage/store.ts';

export interface Stored<T> {
  readonly value: T;
  readonly etag: string;
}

/** A document as stored: indented JSON, so that people can read it. */
export function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/**
 * The parsed document, or null when there is none.
 * @throws CorruptDataError naming the key when it is not JSON or not of the schema
 */
export async function readDocument<T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
): Promise<Stored<T> | null> {
  const found = await store.get(key);
  return found && { value: parseDocument(found.bytes, key, schema), etag: found.etag };
}

/**
 * Writes the document unless there is one: of several processes that decide the same thing, the first counts.
 * @returns the document that counts: this one, or the one that was first
 */
export async function createOnce<T>(
  store: ObjectStore,
  key: string,
  mine: T,
  schema: z.ZodType<T>,
): Promise<T> {
  try {
    await store.put(key, encode(mine), { ifAbsent: true });
    return mine;
  } catch (error) {
    const found = error instanceof ConflictError ? await readDocument(store, key, schema) : null;
    if (found === null) throw error;
    return found.value;
  }
}

/** The bytes as a document of the schema. @throws CorruptDataError naming the key */
export function parseDocument<T>(bytes: Uint8Array, key: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(bytes, key));
  if (parsed.success) return parsed.data;
  throw damaged(key, z.prettifyError(parsed.error).replaceAll('\n', ' '));
}

/** The bytes as JSON. @throws CorruptDataError naming the key */
export function parseJson(bytes: Uint8Array, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(key, `it is not JSON (${reasonOf(cause)})`, cause);
  }
}

/** The error for a stored document that cannot be what Kindred wrote. */
export function damaged(key: string, reason: string, cause?: unknown): CorruptDataError {
  return new CorruptDataError(
    `${quote(key)} is damaged: ${reason}. Restore it from a backup, or see whether a newer Kindred wrote it.`,
    { cause },
  );
}
