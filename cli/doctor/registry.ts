import { constants, existsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ulid } from 'ulid';
import { ConflictError } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import type { Section } from './report.ts';

/**
 * Whether the registry can be read and written, and keeps to conditions. A small object is put, read and removed; a
 * folder that is not there is not made.
 */
export async function registry(
  uri: string,
  openStore: (uri: string) => Promise<ObjectStore>,
): Promise<Section> {
  try {
    const folder = localFolder(uri);
    const state =
      folder !== null && !existsSync(folder) ? await absentFolder(folder) : await probe(await openStore(uri));
    return { title: 'Registry', facts: { uri, state }, problems: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const advice = 'Check the address (--registry or KINDRED_REGISTRY) and the rights on it.';
    const problem = { needed: true, what: `The registry ${uri} cannot be used: ${why}`, advice };
    return { title: 'Registry', facts: { uri, state: 'cannot be used' }, problems: [problem] };
  }
}

function localFolder(uri: string): string | null {
  if (/^file:\/\//i.test(uri)) return fileURLToPath(uri);
  return uri.includes('://') ? null : path.resolve(uri);
}

async function absentFolder(folder: string): Promise<string> {
  let existing = folder;
  while (!existsSync(existing)) existing = path.dirname(existing);
  if (!statSync(existing).isDirectory()) throw new Error(`${existing} is not a folder`);
  await access(existing, constants.W_OK);
  return 'not there yet; the first training makes it';
}

async function probe(store: ObjectStore): Promise<string> {
  const key = `doctor-${ulid()}`;
  const content = new TextEncoder().encode(key);
  const { etag } = await store.put(key, content, { ifAbsent: true });
  try {
    const found = await store.get(key);
    if (!found || Buffer.compare(found.bytes, content) !== 0)
      throw new Error('what was written reads differently');
    await refuses(() => store.put(key, content, { ifAbsent: true }));
    await store.put(key, new TextEncoder().encode('changed'), { ifMatch: etag });
    await refuses(() => store.put(key, content, { ifMatch: etag }));
  } finally {
    await store.delete(key);
  }
  return 'can be read and written';
}

/** Some servers that speak as S3 does ignore conditions; on them two writers would overwrite each other. */
async function refuses(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (error instanceof ConflictError) return;
    throw error;
  }
  throw new Error(
    'it ignores the conditions of writes (If-None-Match, If-Match), so that writers at once would lose data',
  );
}
