import { embeddingsBySum } from '../embedding/embed-pictures.ts';
import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import type { Binding } from '../gallery/gallery.ts';
import type { Picture } from '../images/dataset.ts';
import { putEmbeddings } from '../registry/embeddings.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { VersionName } from './followers.ts';

/** Embeds images with a version's own network, as `embedPictures` does. */
export type EmbedImages = (version: VersionName, images: readonly Picture[]) => Promise<EmbeddedPictures>;

/**
 * Embeds images and puts the embeddings into the cache of the version's network.
 * @returns why the others cannot be used, by SHA-256
 */
export async function embedIntoCache(
  store: ObjectStore,
  version: VersionName,
  binding: Binding,
  images: readonly Picture[],
  embed: EmbedImages,
): Promise<ReadonlyMap<string, string>> {
  if (images.length === 0) return new Map();
  const embedded = await embed(version, images);
  await putEmbeddings(store, version.model, binding, embeddingsBySum(embedded, binding.dimensions));
  return new Map(embedded.rejected.map(({ picture, reason }) => [picture.sha256, reason]));
}
