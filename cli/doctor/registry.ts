import { constants, existsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ulid } from 'ulid';
import { openStore } from '../../core/storage/open.ts';
import type { Section } from './report.ts';

/** Whether the registry can be read and written. A small object is put, read and removed; a folder that is not there is not made. */
export async function registry(uri: string): Promise<Section> {
  try {
    const folder = localFolder(uri);
    const state = folder !== null && !existsSync(folder) ? await absentFolder(folder) : await probe(uri);
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

async function probe(uri: string): Promise<string> {
  const store = openStore(uri);
  const key = `doctor-${ulid()}`;
  const content = new TextEncoder().encode(key);
  await store.put(key, content, { ifAbsent: true });
  try {
    const found = await store.get(key);
    if (!found || Buffer.compare(found.bytes, content) !== 0)
      throw new Error('what was written reads differently');
  } finally {
    await store.delete(key);
  }
  return 'can be read and written';
}
