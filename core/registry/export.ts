import { writeLocalFolder } from '../storage/local-folder.ts';
import type { LocalFile } from '../storage/local-folder.ts';
import { writeChanges } from '../gallery/arrow-changes.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode } from './documents.ts';
import type { Manifest } from './manifest.ts';
import { readLog } from './gallery-log.ts';
import { readChecked, readManifest } from './versions.ts';

/**
 * Writes all files of a version, each checked, with its manifest and the log of its model's gallery, to a new folder:
 * whole, or not at all.
 * @throws ConflictError when the folder exists and is not empty; CorruptDataError naming a damaged file
 */
export async function exportVersion(
  store: ObjectStore,
  model: string,
  version: number,
  folder: string,
): Promise<Manifest> {
  const manifest = await readManifest(store, model, version);
  await writeLocalFolder(folder, filesOf(store, manifest));
  return manifest;
}

async function* filesOf(store: ObjectStore, manifest: Manifest): AsyncGenerator<LocalFile> {
  const { model, files } = manifest;
  for (const name of Object.keys(files)) yield { name, content: readChecked(store, manifest, name) };
  const changes = await readLog(store, model);
  if (changes.length > 0) yield { name: 'log.arrow', content: [await writeChanges(changes)] };
  yield { name: 'manifest.json', content: [encode(manifest)] };
}
