/** A version's gallery: its training images with the log of its model applied, first as names, then with embeddings. */
import { embeddingsBySum } from '../embedding/embed-pictures.ts';
import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import { CorruptDataError } from '../errors.ts';
import { readGallery } from '../gallery/arrow.ts';
import { GalleryContents } from '../gallery/contents.ts';
import type { GalleryImage } from '../gallery/contents.ts';
import type { Change } from '../gallery/facts.ts';
import { compareText, createGallery, embeddingAt } from '../gallery/gallery.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { Picture } from '../images/dataset.ts';
import { putEmbeddings, readEmbeddings } from './embeddings.ts';
import { storedImage } from './kept-images.ts';
import { networkIdOf } from './network-id.ts';
import type { Registry, Resolved } from './registry.ts';

type Version = Pick<Resolved, 'model' | 'version'>;

export interface VersionGallery {
  /** The training images with their embeddings, as published. */
  readonly made: Gallery;
  /** Those with the log applied. */
  readonly contents: GalleryContents;
}

/** An image of the gallery that has no embedding by the version's network, and why. */
export interface MissingImage {
  readonly image: GalleryImage;
  readonly reason: string;
}

/**
 * Embeds images with the version's own network.
 * @param progress how many of all that are to be embedded were there before these
 */
export type Embed = (
  images: readonly Picture[],
  progress: { readonly done: number; readonly total: number },
) => Promise<EmbeddedPictures>;

/**
 * Reads a version's gallery, by names.
 * @throws NotFoundError; CorruptDataError when a file is damaged, or was made by another network than the version's own
 */
export async function readVersionGallery(registry: Registry, version: Version): Promise<VersionGallery> {
  const { files, follows, position } = await registry.knownManifest(version.model, version.version);
  const [bytes, changes] = await Promise.all([
    registry.file(version.model, version.version, 'gallery.arrow'),
    registry.changes(version.model),
  ]);
  const made = readGallery(bytes);
  checkNetwork(version, made, networkIdOf(files));
  const images = made.keys.map((key, row) => ({ key, sha256: made.sha256[row] ?? '' }));
  return { made, contents: new GalleryContents({ dataset: follows, position, images }, changes) };
}

/** The gallery with what was recorded since; the same object when that is nothing. */
export async function followVersionGallery(
  registry: Registry,
  model: string,
  gallery: VersionGallery,
): Promise<VersionGallery> {
  const { made, contents } = gallery;
  const changes = await registry.changes(model, contents.changes);
  if (changes === contents.changes) return gallery;
  return { made, contents: contents.follow(changes) };
}

/** The gallery with these changes beside those that it has. */
export function withChanges({ made, contents }: VersionGallery, known: readonly Change[]): VersionGallery {
  const changes = new Map([...contents.changes, ...known].map((change) => [change.id, change]));
  if (changes.size === contents.changes.length) return { made, contents };
  const log = [...changes.values()].sort((a, b) => compareText(a.id, b.id));
  return { made, contents: contents.follow(log) };
}

/**
 * The gallery's images with their embeddings: from a gallery in memory, the version's own file, or the cache; what none of them has is read and
 * embedded, and put into the cache.
 * @param embed null: images without embedding are left out
 * @param known an earlier state of the same version's gallery
 */
export async function embedGallery(
  registry: Registry,
  model: string,
  { made, contents }: VersionGallery,
  embed: Embed | null,
  known?: Gallery,
): Promise<{ readonly gallery: Gallery; readonly missing: readonly MissingImage[] }> {
  const { images } = contents;
  const embeddings = new Map<string, Float32Array>();
  for (const source of known === undefined ? [made] : [known, made]) {
    for (const [row, sum] of source.sha256.entries()) embeddings.set(sum, embeddingAt(source, row));
  }
  const lacking = (): GalleryImage[] => [
    ...new Map(
      images.filter(({ sha256 }) => !embeddings.has(sha256)).map((one) => [one.sha256, one]),
    ).values(),
  ];
  const wanted = new Set(lacking().map(({ sha256 }) => sha256));
  for (const [sum, embedding] of await readEmbeddings(registry.store, model, made, wanted)) {
    embeddings.set(sum, embedding);
  }
  const missing = new Map<string, string>();
  const rest = lacking();
  if (embed !== null && rest.length > 0) {
    for (let at = 0; at < rest.length; at += PUT_AT_ONCE) {
      const block = rest.slice(at, at + PUT_AT_ONCE);
      const embedBlock: Embed = (some, { done }) => embed(some, { done: at + done, total: rest.length });
      const { made: fresh, reasons } = await embedStored(registry, made.dimensions, block, embedBlock);
      await putEmbeddings(registry.store, model, made, fresh);
      for (const [sum, embedding] of fresh) embeddings.set(sum, embedding);
      for (const [sum, reason] of reasons) missing.set(sum, reason);
    }
  }
  const gallery = galleryOf(made, images, embeddings);
  const left = images.filter(({ sha256 }) => !embeddings.has(sha256));
  return {
    gallery,
    missing: left.map((image) => ({
      image,
      reason: missing.get(image.sha256) ?? 'it has not been embedded by this version yet',
    })),
  };
}

/** Images whose bytes are read one after another, and embedded together. */
async function embedStored(
  registry: Registry,
  dimensions: number,
  images: readonly GalleryImage[],
  embed: Embed,
): Promise<{ made: Map<string, Float32Array>; reasons: Map<string, string> }> {
  const reasons = new Map<string, string>();
  const made = new Map<string, Float32Array>();
  for (let at = 0; at < images.length; at += BLOCK) {
    const found: Picture[] = [];
    for (const image of images.slice(at, at + BLOCK)) {
      const stored = await storedImage(registry.store, image);
      if (stored === null) reasons.set(image.sha256, 'the image is no longer stored');
      else found.push(stored);
    }
    const embedded = await embed(found, { done: at, total: images.length });
    for (const [sum, embedding] of embeddingsBySum(embedded, dimensions)) made.set(sum, embedding);
    for (const { picture, reason } of embedded.rejected) reasons.set(picture.sha256, reason);
  }
  return { made, reasons };
}

/** Images whose bytes are in memory at once. */
const BLOCK = 32;
/** Images after which the cache gets their embeddings: more are not computed twice when the process is killed. */
const PUT_AT_ONCE = 512;

function galleryOf(
  made: Gallery,
  images: readonly GalleryImage[],
  embeddings: ReadonlyMap<string, Float32Array>,
): Gallery {
  const { dimensions, distance, embedder } = made;
  const rows = images.filter(({ sha256 }) => embeddings.has(sha256));
  const all = new Float32Array(rows.length * dimensions);
  for (const [row, { sha256 }] of rows.entries()) {
    all.set(embeddings.get(sha256) as Float32Array, row * dimensions);
  }
  return createGallery({
    dimensions,
    distance,
    embedder,
    keys: rows.map(({ key }) => key),
    classes: rows.map((row) => row.class),
    sha256: rows.map(({ sha256 }) => sha256),
    embeddings: all,
  });
}

function checkNetwork({ model, version }: Version, { embedder }: Gallery, network: string): void {
  if (embedder?.version === network) return;
  const maker = embedder === null ? 'an unknown network' : `network ${embedder.version.slice(0, 12)}`;
  throw new CorruptDataError(
    `The gallery of ${model}@${version} was made by ${maker}, but the version has network ${network.slice(0, 12)}: ` +
      `its distances would mean nothing. Restore the version from a backup, or train it again.`,
  );
}
