/** The file `baseline.arrow` of a version: what the untrained backbone makes of the pictures it was published with. */
import { readGallery } from '../gallery/arrow.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { Registry, Resolved } from './registry.ts';

export const BASELINE_FILE = 'baseline.arrow';

/** Null for versions that were made before there was such a file. `embedder.version` names the backbone's weights. @throws CorruptDataError */
export async function readBaseline(
  registry: Registry,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
): Promise<Gallery | null> {
  const { files } = await registry.knownManifest(model, version);
  if (!Object.hasOwn(files, BASELINE_FILE)) return null;
  return readGallery(await registry.file(model, version, BASELINE_FILE), 'The backbone features');
}
