/** A version as one archive: its manifest, its files, the log of its model's gallery, and the kept images that the log is about. */
import { once } from 'node:events';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { CorruptDataError } from '../errors.ts';
import { writeChanges } from '../gallery/arrow-changes.ts';
import type { Change } from '../gallery/facts.ts';
import { quote } from '../storage/keys.ts';
import { sha256 } from '../storage/local-file.ts';
import type { LocalFile } from '../storage/local-folder.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode } from './documents.ts';
import { readLog } from './gallery-log.ts';
import { blobKey } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { readChecked } from './versions.ts';

/** The archive's first entry. */
export const MANIFEST_ENTRY = 'manifest.json';
/** Files by their names in the manifest, blobs included. */
export const FILES_PREFIX = 'files/';
/** After the files; absent when the log is empty. */
export const LOG_ENTRY = 'log.arrow';
/** Kept images by their SHA-256, after the log. */
export const IMAGES_PREFIX = 'images/';

interface Entry extends LocalFile {
  readonly size: number;
}

/**
 * The bytes of a tar archive: the same ones for the same state of the version and the log. Every file is checked while it is read.
 * @throws CorruptDataError naming a damaged file; what came before is to be thrown away
 */
export async function* archiveOf(store: ObjectStore, manifest: Manifest): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const filling = fill(archive, entriesOf(store, manifest)).catch((error: Error) => archive.destroy(error));
  for await (const piece of archive) yield piece as Uint8Array;
  await filling;
}

/**
 * The images, by SHA-256 in code-unit order, that users added, labelled or rejected: their bytes may be kept. Images that only a dataset has are
 * not among them.
 */
export function imagesOfUsers(changes: readonly Change[]): string[] {
  const sums = new Set<string>();
  for (const fact of changes.flatMap(({ facts }) => facts)) {
    if (fact.op === 'add' || fact.op === 'label' || fact.op === 'reject') sums.add(fact.sha256);
  }
  return [...sums].toSorted();
}

async function* entriesOf(store: ObjectStore, manifest: Manifest): AsyncGenerator<Entry> {
  yield entry(MANIFEST_ENTRY, encode(manifest));
  for (const [name, { size }] of Object.entries(manifest.files).toSorted(byName)) {
    yield { name: `${FILES_PREFIX}${name}`, size, content: readChecked(store, manifest, name) };
  }
  const changes = await readLog(store, manifest.model);
  if (changes.length > 0) yield entry(LOG_ENTRY, await writeChanges(changes));
  for (const sum of imagesOfUsers(changes)) {
    const bytes = await keptImage(store, sum);
    if (bytes !== null) yield entry(`${IMAGES_PREFIX}${sum}`, bytes);
  }
}

/** Null when the image is not kept: a dataset has it, or its bytes were deleted. */
async function keptImage(store: ObjectStore, sum: string): Promise<Uint8Array | null> {
  const found = await store.get(blobKey(sum));
  if (found === null || sha256(found.bytes) === sum) return found && found.bytes;
  throw new CorruptDataError(
    `The image ${quote(blobKey(sum))} is damaged: its SHA-256 is ${sha256(found.bytes)}. Restore it from a backup, or ` +
      'delete it to export without it.',
  );
}

const entry = (name: string, bytes: Uint8Array): Entry => ({ name, size: bytes.length, content: [bytes] });
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

async function fill(archive: Pack, entries: AsyncIterable<Entry>): Promise<void> {
  for await (const { name, size, content } of entries) {
    await new Promise<void>((resolve, reject) => {
      // Nothing of the machine or the moment goes into it.
      const writable = archive.entry({ name, size, mode: 0o644, mtime: new Date(0) }, (error) =>
        error ? reject(error) : resolve(),
      );
      writable.on('error', reject);
      const write = async (): Promise<void> => {
        for await (const piece of content) if (!writable.write(piece)) await once(writable, 'drain');
        writable.end(undefined);
      };
      write().catch(reject);
    });
  }
  archive.finalize();
}
