/** Reads an archive that `archiveOf` wrote. What is in it is not trusted: every entry is checked before it counts. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { decodeTime } from 'ulid';
import { CorruptDataError } from '../errors.ts';
import { readChanges } from '../gallery/arrow-changes.ts';
import type { Change } from '../gallery/facts.ts';
import { quote } from '../storage/keys.ts';
import { reasonOf } from '../storage/reason.ts';
import { parseJson } from './documents.ts';
import { FILES_PREFIX, IMAGES_PREFIX, LOG_ENTRY, MANIFEST_ENTRY, imagesOfUsers } from './export.ts';
import { parseManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { checkName, checkVersion } from './names.ts';
import type { FileSource } from './publish.ts';

/** A manifest names every image of its dataset. */
const LARGEST_MANIFEST = 256 * 2 ** 20;
const LARGEST_LOG = 2 ** 30;
/** A later change needs a later id, so the last ids that there are must stay free: these are of the year 6429. */
const LATEST_ID = 2 ** 47;

/** An archive's content, checked. Files lie in the local folder that was given. */
export interface Unpacked {
  readonly manifest: Manifest;
  readonly files: Readonly<Record<string, FileSource>>;
  /** The log of the model's gallery. */
  readonly changes: readonly Change[];
  /** Kept images: the local file of each, by SHA-256. */
  readonly images: ReadonlyMap<string, string>;
}

/**
 * Unpacks an archive into an empty local folder.
 * @throws CorruptDataError when anything in it is not as it should be
 */
export async function unpack(archive: string, folder: string): Promise<Unpacked> {
  const parts = new Parts(folder);
  try {
    const entries = extract();
    const reading = pipeline(createReadStream(archive), entries);
    reading.catch(() => undefined);
    for await (const entry of entries) {
      const { name, type, size } = entry.header;
      if (type !== 'file') throw refused(`${quote(name)} is no file`);
      await parts.take({ name, size, content: entry as AsyncIterable<Uint8Array> });
    }
    await reading;
    return parts.whole();
  } catch (error) {
    throw error instanceof CorruptDataError ? error : refused(reasonOf(error), error);
  }
}

interface Entry {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** What has been read of an archive so far. */
class Parts {
  readonly #folder: string;
  #manifest: Manifest | null = null;
  #changes: readonly Change[] | null = null;
  /** The images that the log allows. */
  #allowed: ReadonlySet<string> = new Set();
  readonly #files: Record<string, FileSource> = {};
  readonly #images = new Map<string, string>();
  #written = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async take(entry: Entry): Promise<void> {
    const { name } = entry;
    if (this.#manifest === null) {
      if (name !== MANIFEST_ENTRY) throw refused(`it begins with ${quote(name)}`);
      this.#manifest = manifestIn(await bytesOf(entry, LARGEST_MANIFEST));
    } else if (name === LOG_ENTRY && this.#changes === null) {
      this.#changes = changesIn(await bytesOf(entry, LARGEST_LOG));
      this.#allowed = new Set(imagesOfUsers(this.#changes));
    } else if (name.startsWith(IMAGES_PREFIX)) await this.#takeImage(entry);
    else await this.#takeFile(entry, this.#manifest);
  }

  whole(): Unpacked {
    const manifest = this.#manifest;
    if (manifest === null) throw refused('it is empty');
    const lacking = Object.keys(manifest.files).filter((name) => !Object.hasOwn(this.#files, name));
    if (lacking.length > 0) throw refused(`it lacks ${lacking.map(quote).join(', ')}`);
    return { manifest, files: this.#files, changes: this.#changes ?? [], images: this.#images };
  }

  async #takeImage(entry: Entry): Promise<void> {
    const sum = entry.name.slice(IMAGES_PREFIX.length);
    if (!this.#allowed.has(sum) || this.#images.has(sum)) throw misplaced(entry.name);
    this.#images.set(sum, await this.#copy(entry, sum));
  }

  async #takeFile(entry: Entry, manifest: Manifest): Promise<void> {
    const name = entry.name.slice(FILES_PREFIX.length);
    const isNew = entry.name.startsWith(FILES_PREFIX) && !Object.hasOwn(this.#files, name);
    const expected = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
    if (!isNew || expected === undefined) throw misplaced(entry.name);
    const { size, sha256, blob } = expected;
    if (entry.size !== size) throw refused(`${quote(entry.name)} has ${entry.size} bytes instead of ${size}`);
    this.#files[name] = { file: await this.#copy(entry, sha256), ...(blob && { blob }) };
  }

  /** Copies an entry to a local file of this SHA-256. @returns its path */
  async #copy({ name, content }: Entry, expected: string): Promise<string> {
    const path = join(this.#folder, String(this.#written++));
    const hash = createHash('sha256');
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const piece of content) {
        hash.update(piece);
        yield piece;
      }
    }
    await pipeline(hashed(), createWriteStream(path, { flags: 'wx' }));
    const sum = hash.digest('hex');
    if (sum !== expected) throw refused(`${quote(name)} has the SHA-256 ${sum} instead of ${expected}`);
    return path;
  }
}

function manifestIn(bytes: Uint8Array): Manifest {
  const raw = parseJson(bytes, MANIFEST_ENTRY) as {
    readonly model?: unknown;
    readonly version?: unknown;
  } | null;
  const [model, version] = [String(raw?.model), Number(raw?.version)];
  checkName(model, 'model');
  checkVersion(version);
  const manifest = parseManifest(bytes, model, version);
  if (manifest.follows !== null) checkName(manifest.follows, 'data set');
  return manifest;
}

function changesIn(bytes: Uint8Array): Change[] {
  const changes = readChanges(bytes, LOG_ENTRY);
  const late = changes.find(({ id }) => decodeTime(id) > LATEST_ID);
  if (late !== undefined) throw refused(`its change ${late.id} leaves no room for later ones`);
  return changes;
}

async function bytesOf({ name, size, content }: Entry, most: number): Promise<Uint8Array> {
  if (size > most) throw refused(`${quote(name)} has ${size} bytes; at most ${most} are allowed`);
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

const misplaced = (name: string): CorruptDataError => refused(`${quote(name)} does not belong there`);

function refused(why: string, cause?: unknown): CorruptDataError {
  return new CorruptDataError(
    `The archive cannot be imported: ${why}. Nothing was written. Export the version again.`,
    { cause },
  );
}
