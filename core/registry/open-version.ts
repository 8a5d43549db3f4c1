/** Opening a version to answer: its gallery with what came later, its thresholds, and its network bound to them. */
import { embedPictures } from '../embedding/embed-pictures.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { Calibration } from '../gallery/calibration.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { galleryState } from '../gallery/state.ts';
import type { GalleryState } from '../gallery/state.ts';
import { readCalibration } from './evaluation.ts';
import { proveEmbedder, requireGolden } from './golden-check.ts';
import { loadEmbedder } from './load-embedder.ts';
import type { LoadOptions } from './load-embedder.ts';
import type { Registry, Resolved } from './registry.ts';
import { embedGallery, readVersionGallery } from './version-gallery.ts';
import type { Embed, MissingImage, VersionGallery } from './version-gallery.ts';

/** A version's gallery by names, and how sure its answers may be. */
export interface OpenedNames extends Resolved, VersionGallery {
  readonly calibration: Calibration | null;
}

/** The same with the embeddings. */
export interface OpenedGallery extends OpenedNames {
  readonly gallery: Gallery;
  readonly state: GalleryState;
  /** Images of the gallery that the version cannot embed; they are not in `gallery`. */
  readonly missing: readonly MissingImage[];
}

/** A version that answers. */
export interface OpenedVersion extends OpenedGallery {
  /** Dispose of it after use. */
  readonly embedder: Embedder;
}

/**
 * Opens a version's gallery by names: enough to list and to change it.
 * @throws NotFoundError; CorruptDataError when a file is damaged, or the gallery was made by another network
 */
export async function openNames(registry: Registry, resolved: Resolved): Promise<OpenedNames> {
  const [gallery, calibration] = await Promise.all([
    readVersionGallery(registry, resolved),
    readCalibration(registry, resolved),
  ]);
  return { ...resolved, ...gallery, calibration };
}

/**
 * Opens a version's gallery with its embeddings. The network is loaded only when an image of the log has not been embedded by it yet.
 * @throws as {@link openNames}, {@link openEmbedder}
 */
export async function openGallery(
  registry: Registry,
  resolved: Resolved,
  options: LoadOptions = {},
): Promise<OpenedGallery> {
  const opened = await openNames(registry, resolved);
  let embedder: Embedder | null = null;
  try {
    return await withEmbeddings(registry, opened, async (images) => {
      embedder ??= await openEmbedder(registry, resolved, options);
      return embedPictures(embedder, images);
    });
  } finally {
    (embedder as Embedder | null)?.dispose();
  }
}

async function withEmbeddings(registry: Registry, opened: OpenedNames, embed: Embed): Promise<OpenedGallery> {
  const { gallery, missing } = await embedGallery(registry, opened.model, opened, embed);
  return { ...opened, gallery, missing, state: galleryState(gallery, opened.contents.changes) };
}

/**
 * The same with the network that makes its embeddings, once it has reproduced the version's golden pictures.
 * @throws SkewError when it does not
 */
export async function openVersion(
  registry: Registry,
  resolved: Resolved,
  options: LoadOptions = {},
): Promise<OpenedVersion> {
  const embedder = await openEmbedder(registry, resolved, options);
  try {
    return await openVersionWith(registry, resolved, embedder);
  } catch (error) {
    embedder.dispose();
    throw error;
  }
}

/** The same with the version's network that is in memory already. @throws as {@link openNames} */
export async function openVersionWith(
  registry: Registry,
  resolved: Resolved,
  embedder: Embedder,
): Promise<OpenedVersion> {
  const opened = await openNames(registry, resolved);
  const embed: Embed = async (images) => embedPictures(embedder, images);
  return { ...(await withEmbeddings(registry, opened, embed)), embedder };
}

/**
 * The version's network alone, once it has reproduced the version's golden pictures. Dispose of it after use.
 * @throws SkewError when it does not
 */
export async function openEmbedder(
  registry: Registry,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
  options: LoadOptions = {},
): Promise<Embedder> {
  const manifest = await registry.knownManifest(model, version);
  requireGolden(manifest);
  const embedder = await loadEmbedder(registry, manifest, options);
  try {
    await proveEmbedder(registry, manifest, embedder);
    return embedder;
  } catch (error) {
    embedder.dispose();
    throw error;
  }
}
