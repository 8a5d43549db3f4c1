/** Whether a version has embeddings of all images of its gallery. */
import { counted } from '../format.ts';
import { embedGallery, readVersionGallery } from '../registry/version-gallery.ts';
import type { MissingImage } from '../registry/version-gallery.ts';
import type { Registry, Resolved } from '../registry/registry.ts';
import type { Talk } from './compare.ts';
import type { OpenVersions } from './open-versions.ts';

export interface Completed {
  /** How many images were embedded now. */
  readonly embedded: number;
  /** Images that the version cannot embed: its answers go without them. */
  readonly missing: readonly MissingImage[];
}

const SHOWN = 3;

/**
 * Embeds the images that the version has not embedded yet. The network is loaded only when there are any.
 * @throws CancelledError; CorruptDataError
 */
export async function completeGallery(
  registry: Registry,
  { model, version }: Pick<Resolved, 'model' | 'version'>,
  opened: OpenVersions,
  { signal, report }: Talk,
): Promise<Completed> {
  const gallery = await readVersionGallery(registry, { model, version });
  let embedded = 0;
  const { missing } = await embedGallery(registry, model, gallery, async (images, { done, total }) => {
    const { embedPictures } = await import('../embedding/embed-pictures.ts');
    const made = await embedPictures(await opened.embedder(version), images, {
      signal,
      onProgress: (more) => report({ phase: 'embedding', part: 'gallery', done: done + more, total }),
    });
    embedded += made.pictures.length;
    return made;
  });
  return { embedded, missing };
}

/** Those of the missing images that another version answers with. */
export async function heldBy(
  registry: Registry,
  version: Pick<Resolved, 'model' | 'version'>,
  missing: readonly MissingImage[],
): Promise<readonly MissingImage[]> {
  if (missing.length === 0) return [];
  const gallery = await readVersionGallery(registry, version);
  const { gallery: embedded } = await embedGallery(registry, version.model, gallery, null);
  const held = new Set(embedded.sha256);
  return missing.filter(({ image }) => held.has(image.sha256));
}

/** What was done, for people: a line each; none where there was nothing to do. */
export function completedNotes({ embedded, missing }: Completed): string[] {
  return [
    ...(embedded === 0 ? [] : [`Embedded ${counted(embedded, 'image')} of the gallery.`]),
    ...(missing.length === 0 ? [] : [`Not in the gallery: ${listed(missing)}.`]),
  ];
}

/** The number of images, and the first few with the reason. */
export function listed(missing: readonly MissingImage[]): string {
  const first = missing
    .slice(0, SHOWN)
    .map(({ image, reason }) => `${JSON.stringify(image.key)} (${reason})`);
  const rest = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : '';
  return `${counted(missing.length, 'image')} that cannot be embedded: ${first.join(', ')}${rest}`;
}
