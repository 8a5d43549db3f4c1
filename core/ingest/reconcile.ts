/** The gallery of a model and the dataset that it follows, brought to agree. */
import { ConflictError, UnreadableImageError } from '../errors.ts';
import { classOf } from '../gallery/names.ts';
import { seeDataset } from '../gallery/operations.ts';
import type { AtPath } from '../gallery/operations.ts';
import type { Picture } from '../images/dataset.ts';
import { inOrder } from '../images/in-order.ts';
import { storedPicture } from '../images/picture.ts';
import { wasDeletedSince } from '../registry/dataset-deletion.ts';
import type { Registry } from '../registry/registry.ts';
import { embedIntoCache } from './embed-images.ts';
import type { EmbedImages } from './embed-images.ts';
import type { VersionName } from './followers.ts';
import { KnownGalleries } from './known-galleries.ts';
import type { KnownGallery } from './known-galleries.ts';
import { imageInMemory, readImage } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

export interface ReconcileOptions {
  readonly embed: EmbedImages;
  /** For a caller that keeps galleries in memory. @default read anew */
  readonly galleries?: KnownGalleries;
}

/** What became of one image in one model's gallery. */
export interface Ingested extends VersionName {
  /** `datasets/<dataset>/<class>/<file>` */
  readonly key: string;
  /** `rejected`: the image cannot be used, and is in no gallery. */
  readonly outcome: 'added' | 'replaced' | 'removed' | 'unchanged' | 'rejected';
  /** Why it was rejected, else null. */
  readonly reason: string | null;
}

/** A model's version and the dataset that it follows. */
export interface Following extends VersionName {
  readonly dataset: string;
}

/** What the store was seen to have at a path. */
interface Look {
  readonly sha256: string | null;
  /** Why nothing there can be used, else null. */
  reason: string | null;
  /** Until it is embedded, unless too much is in memory. */
  stored: StoredImage | null;
  /** Undefined where it is not known. */
  etag: string | null | undefined;
}

/** So often may an image change while it is looked at. */
const ATTEMPTS = 20;
const READS_AT_ONCE = 4;
/** Bytes of images that are kept from being looked at until they are embedded; others are read again. */
const HELD_BYTES = 64 * 1024 * 1024;

/**
 * Records what the dataset has at these paths, and embeds what is new. Killed at any moment, the change is recorded as a whole or not at all;
 * done again, it goes on from there. Users' decisions about images are not touched: the gallery's contents put them above what datasets have.
 *
 * Several processes may do this at once. Each reads the image before the log, and looks at the image again after it has recorded what it read. So a
 * record of an image that has changed meanwhile is followed by one of what is there now, and that has the greater id: none leaves an older state.
 * @param paths `<class>/<file>` in the dataset
 * @returns one entry for each path, in order
 * @throws ConflictError when a path changes without end; StorageError and what `embed` throws
 */
export async function reconcile(
  registry: Registry,
  following: Following,
  paths: readonly string[],
  { embed, galleries = new KnownGalleries(registry) }: ReconcileOptions,
): Promise<Ingested[]> {
  const { model, version, dataset } = following;
  const name = { model, version };
  const prefix = registry.dataSetPrefix(dataset);
  const looks = await lookAt(registry, prefix, paths);
  await keepDeleted(registry, following, looks);
  const before = new Map<string, string | null>();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const gallery = await galleries.now(name);
    const differing = paths.filter((path) => {
      const look = looks.get(path);
      return look !== undefined && gallery.contents.at(path) !== look.sha256;
    });
    for (const path of paths) {
      if (!before.has(path)) before.set(path, gallery.contents.at(path));
    }
    if (differing.length === 0) return told(following, prefix, { paths, before, looks });
    const images = imagesToEmbed(registry, prefix, differing, { looks, gallery });
    note(looks.values(), await embedIntoCache(registry.store, name, gallery.binding, images, embed));
    const now = new Map(differing.map((path) => [path, atPath(looks.get(path))]));
    const facts = seeDataset(gallery.contents, dataset, now);
    // None where another call in this process has recorded them meanwhile.
    if (facts.length > 0) await galleries.append(name, gallery.contents.changes, facts, 'ingest');
    for (const path of differing) forget(looks.get(path));
    const isChanged = await lookAgain(registry, prefix, differing, looks);
    await keepDeleted(registry, following, looks);
    if (!isChanged) return told(following, prefix, { paths, before, looks });
  }
  throw new ConflictError(
    `What the dataset ${JSON.stringify(dataset)} has at ${paths.length} paths changed ${ATTEMPTS} times while the gallery of ` +
      `"${model}" was brought up to date. Try again.`,
  );
}

/** Forgets what is not there when the whole dataset was deleted: galleries keep its images. That is noted before any of them goes. */
async function keepDeleted(
  { store }: Registry,
  { dataset, ...version }: Following,
  looks: Map<string, Look>,
): Promise<void> {
  const gone = [...looks].flatMap(([path, { sha256, reason }]) =>
    sha256 === null && reason === null ? [path] : [],
  );
  if (gone.length === 0 || !(await wasDeletedSince(store, dataset, version))) return;
  for (const path of gone) looks.delete(path);
}

async function lookAt(
  { store }: Registry,
  prefix: string,
  paths: readonly string[],
): Promise<Map<string, Look>> {
  const looks = new Map<string, Look>();
  let held = 0;
  const reads = inOrder([...new Set(paths)], READS_AT_ONCE, async (path) => ({
    path,
    look: await lookOf(store, `${prefix}${path}`),
  }));
  for await (const { path, look } of reads) {
    held += look.stored?.bytes.length ?? 0;
    if (held > HELD_BYTES) forget(look);
    looks.set(path, look);
  }
  return looks;
}

async function lookOf(store: Registry['store'], key: string): Promise<Look> {
  try {
    const stored = await readImage(store, key);
    const sha256 = stored?.sha256 ?? null;
    return { sha256, reason: null, stored, etag: stored === null ? null : undefined };
  } catch (error) {
    if (!(error instanceof UnreadableImageError)) throw error;
    return { sha256: null, reason: error.message, stored: null, etag: undefined };
  }
}

/** Reads again what is no longer what it was. @returns whether anything is not */
async function lookAgain(
  { store }: Registry,
  prefix: string,
  paths: readonly string[],
  looks: Map<string, Look>,
): Promise<boolean> {
  let isChanged = false;
  for (const path of paths) {
    const known = looks.get(path)?.etag;
    if (known !== undefined && ((await store.head(`${prefix}${path}`))?.etag ?? null) === known) continue;
    const look = await lookOf(store, `${prefix}${path}`);
    if (look.sha256 !== looks.get(path)?.sha256) isChanged = true;
    looks.set(path, look);
  }
  return isChanged;
}

/** Gives the bytes back; only the etag is needed from here on. */
function forget(look: Look | undefined): void {
  if (look === undefined || look.stored === null) return;
  look.etag = look.stored.etag();
  look.stored = null;
}

/** Each image once that no class of the gallery has; what users decided about was embedded then. */
function imagesToEmbed(
  { store }: Registry,
  prefix: string,
  paths: readonly string[],
  { looks, gallery: { contents } }: { looks: ReadonlyMap<string, Look>; gallery: KnownGallery },
): Picture[] {
  const images = new Map<string, Picture>();
  for (const path of paths) {
    const { sha256 = null, stored = null } = looks.get(path) ?? {};
    if (sha256 === null || images.has(sha256)) continue;
    if (contents.isDecided(sha256) || contents.classesOf(sha256).size > 0) continue;
    const className = classOf(path);
    const image =
      stored === null
        ? storedPicture(store, `${prefix}${path}`, path, className, sha256)
        : imageInMemory(path, className, stored);
    images.set(sha256, image);
  }
  return [...images.values()];
}

/** Notes why images cannot be used. */
function note(looks: Iterable<Look>, reasons: ReadonlyMap<string, string>): void {
  for (const look of looks) {
    look.reason = (look.sha256 === null ? undefined : reasons.get(look.sha256)) ?? look.reason;
  }
}

function atPath(look: Look | undefined): AtPath | null {
  const { sha256 = null, reason = null } = look ?? {};
  return sha256 === null ? null : { sha256, readable: reason === null };
}

function told(
  { model, version }: Following,
  prefix: string,
  {
    paths,
    before,
    looks,
  }: {
    readonly paths: readonly string[];
    readonly before: ReadonlyMap<string, string | null>;
    readonly looks: ReadonlyMap<string, Look>;
  },
): Ingested[] {
  return [...new Set(paths)].map((path) => {
    const was = before.get(path) ?? null;
    const { sha256, reason } = looks.get(path) ?? { sha256: was, reason: null };
    return { model, version, key: `${prefix}${path}`, outcome: outcomeOf(was, sha256, reason), reason };
  });
}

function outcomeOf(was: string | null, now: string | null, reason: string | null): Ingested['outcome'] {
  if (reason !== null) return 'rejected';
  if (was === now) return 'unchanged';
  if (now === null) return 'removed';
  return was === null ? 'added' : 'replaced';
}
