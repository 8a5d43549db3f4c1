/** Opening a version to answer: its gallery with what came later, its thresholds, and its network bound to them. */
import type { Embedder } from '../embedding/embedder.ts';
import { checkGolden, engineName } from '../embedding/golden.ts';
import { SkewError } from '../errors.ts';
import { readGolden } from '../gallery/arrow-golden.ts';
import type { Calibration } from '../gallery/calibration.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { applySegments } from '../gallery/segments.ts';
import { quote } from '../storage/keys.ts';
import { readCalibration } from './evaluation.ts';
import { readGalleryLog } from './gallery-log.ts';
import { versionPrefix } from './layout.ts';
import { NETWORK_FILES, networkIdOf } from './network-id.ts';
import type { Registry, Resolved } from './registry.ts';

const GOLDEN_FILE = 'golden.arrow';

/** A version without its network: what it knows, and how sure it may be. */
export interface OpenedGallery extends Resolved {
  /** With everything that was added and removed since. */
  readonly gallery: Gallery;
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
  return { ...resolved, gallery: applySegments(made, segments), calibration };
}

/**
 * The same with the network that makes its embeddings, once it has reproduced the version's golden pictures.
 * TensorFlow is loaded here, and not before.
 * @throws SkewError when it does not
 */
export async function openVersion(registry: Registry, resolved: Resolved): Promise<OpenedVersion> {
  const opened = await openGallery(registry, resolved);
  const { model, version } = resolved;
  const [{ readNetwork }, { tfjsEmbedder }] = await Promise.all([
    import('../network/saved-network.ts'),
    import('../embedding/tfjs.ts'),
  ]);
  const [description, weights] = NETWORK_FILES;
  const network = readNetwork(
    await registry.file(model, version, description),
    await registry.file(model, version, weights),
  );
  const embedder = tfjsEmbedder(network);
  try {
    await prove(registry, resolved, embedder);
  } catch (error) {
    embedder.dispose();
    throw error;
  }
  return { ...opened, embedder };
}

/** What has reproduced its golden pictures in this process: neither libraries nor files of a version change under it. */
const proven = new Set<string>();

async function prove(registry: Registry, { model, version }: Resolved, embedder: Embedder): Promise<void> {
  const { files } = await registry.manifest(model, version);
  const golden = Object.hasOwn(files, GOLDEN_FILE) ? files[GOLDEN_FILE] : undefined;
  if (golden === undefined) {
    throw new SkewError(
      `${model}@${version} has no golden pictures: it was made by a Kindred that did not know them, and nothing shows ` +
        `that its pictures are decoded and embedded here as they were there. Train it again ("kindred train").`,
    );
  }
  const proof = [networkIdOf(files), golden.sha256, engineName(embedder)].join(' ');
  if (proven.has(proof)) return;
  const key = `${versionPrefix(model, version)}${GOLDEN_FILE}`;
  const pictures = readGolden(await registry.file(model, version, GOLDEN_FILE), quote(key));
  await checkGolden(embedder, pictures, `${model}@${version}`);
  proven.add(proof);
}
