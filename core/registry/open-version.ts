/** Opening a version to answer: its gallery with what came later, its thresholds, and its network bound to them. */
import type { Embedder } from '../embedding/embedder.ts';
import type { Calibration } from '../gallery/calibration.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { applySegments } from '../gallery/segments.ts';
import { galleryState } from '../gallery/state.ts';
import type { GalleryState } from '../gallery/state.ts';
import { readCalibration } from './evaluation.ts';
import { readGalleryLog } from './gallery-log.ts';
import { proveEmbedder, requireGolden } from './golden-check.ts';
import { loadEmbedder } from './load-embedder.ts';
import type { LoadOptions } from './load-embedder.ts';
import type { Registry, Resolved } from './registry.ts';

/** A version without its network: what it knows, and how sure it may be. */
export interface OpenedGallery extends Resolved {
  /** With everything that was added and removed since. */
  readonly gallery: Gallery;
  readonly state: GalleryState;
  readonly calibration: Calibration | null;
}

/** A version that answers. */
export interface OpenedVersion extends OpenedGallery {
  /** Dispose of it after use. */
  readonly embedder: Embedder;
}

/**
 * Opens a version's gallery.
 * @throws NotFoundError; CorruptDataError when a file is damaged, or the gallery was made by another network
 */
export async function openGallery(registry: Registry, resolved: Resolved): Promise<OpenedGallery> {
  const { made, segments } = await readGalleryLog(registry, resolved);
  const calibration = await readCalibration(registry, resolved);
  const gallery = applySegments(made, segments);
  return { ...resolved, gallery, state: galleryState(gallery, segments), calibration };
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
  const opened = await openGallery(registry, resolved);
  return { ...opened, embedder: await openEmbedder(registry, resolved, options) };
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
