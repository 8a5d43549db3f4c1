import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { readGallery } from '../gallery/arrow.ts';
import type { GalleryLog } from '../gallery/carry-over.ts';
import { type Gallery, requireSameBinding } from '../gallery/gallery.ts';
import type { Segment } from '../gallery/segments.ts';
import { networkIdOf } from './network-id.ts';
import type { Registry, Resolved } from './registry.ts';

type Version = Pick<Resolved, 'model' | 'version'>;

/**
 * A version's gallery as it was published, and every change of it since, oldest first.
 * @throws NotFoundError; CorruptDataError when a file is damaged, or was made by another network than the version's own
 */
export async function readGalleryLog(registry: Registry, { model, version }: Version): Promise<GalleryLog> {
  const made = readGallery(await registry.file(model, version, 'gallery.arrow'));
  await checkBinding(registry, { model, version }, made);
  return followGalleryLog(registry, { model, version }, { made, segments: [] });
}

/**
 * The log as it is by now; only changes that it does not have yet are read.
 * @returns the same log when there is nothing new
 * @throws as {@link readGalleryLog}
 */
export async function followGalleryLog(
  registry: Registry,
  { model, version }: Version,
  log: GalleryLog,
): Promise<GalleryLog> {
  const segments = await registry.changes(model, version, log.segments);
  const known = new Set(log.segments);
  if (segments.length === known.size && segments.every((segment) => known.has(segment))) return log;
  for (const segment of segments) checkSameMaker(log.made, segment, { model, version });
  return { made: log.made, segments };
}

async function checkBinding(
  registry: Registry,
  { model, version }: Version,
  { embedder }: Gallery,
): Promise<void> {
  const { files } = await registry.knownManifest(model, version);
  const network = networkIdOf(files);
  if (embedder?.version === network) return;
  const maker = embedder === null ? 'an unknown network' : `network ${embedder.version.slice(0, 12)}`;
  throw new CorruptDataError(
    `The gallery of ${model}@${version} was made by ${maker}, but the version has network ${network.slice(0, 12)}: ` +
      `its distances would mean nothing. Restore the version from a backup, or train it again.`,
  );
}

/** A change that was copied over from another version's folder. */
function checkSameMaker(made: Gallery, segment: Segment, { model, version }: Version): void {
  try {
    requireSameBinding(made, segment, `The change ${segment.id} of ${model}@${version}`);
  } catch (cause) {
    if (!(cause instanceof InvalidInputError)) throw cause;
    throw new CorruptDataError(
      `${cause.message} Take the file gallery/${segment.id}.arrow out of the version's folder.`,
      { cause },
    );
  }
}
