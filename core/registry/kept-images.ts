/**
 * The images that users added to galleries, kept by their SHA-256 so that the network of a later version can embed them too. An image that a
 * dataset of the registry has is not kept: the log says where it is.
 */
import { CorruptDataError, NotFoundError } from '../errors.ts';
import type { GalleryImage } from '../gallery/contents.ts';
import type { Picture } from '../images/dataset.ts';
import { storedPicture } from '../images/picture.ts';
import { sha256 } from '../storage/local-file.ts';
import { putIf } from '../storage/put-if.ts';
import type { ObjectStore } from '../storage/store.ts';
import { blobKey } from './layout.ts';

/**
 * Keeps images; those that are kept already are not read.
 * @throws CorruptDataError when an image no longer has its SHA-256
 */
export async function keepImages(
  store: ObjectStore,
  images: readonly Pick<Picture, 'sha256' | 'read'>[],
): Promise<void> {
  for (const image of images) {
    const key = blobKey(image.sha256);
    if ((await store.head(key)) !== null) continue;
    const bytes = await image.read();
    if (sha256(bytes) !== image.sha256) {
      throw new CorruptDataError(
        `An image changed while it was added: its SHA-256 was ${image.sha256} and is ${sha256(bytes)}. Nothing was added; try again.`,
      );
    }
    await putIf(store, key, bytes, { ifAbsent: true });
  }
}

/** A gallery's image to be read: from its dataset, where that still has it, else from the kept images; null when neither has it. */
export async function storedImage(
  store: ObjectStore,
  { key, class: className, sha256: sum, source }: GalleryImage,
): Promise<Picture | null> {
  for (const stored of source === null ? [blobKey(sum)] : [source, blobKey(sum)]) {
    const image = storedPicture(store, stored, key, className, sum);
    try {
      const bytes = await image.read();
      return { ...image, read: () => Promise.resolve(bytes) };
    } catch (error) {
      // Another image is there by now, or none.
      if (!(error instanceof NotFoundError) && !(error instanceof CorruptDataError)) throw error;
    }
  }
  return null;
}

/** Whether there are bytes where a gallery's image should be; they are not read. */
export async function isStored(store: ObjectStore, { sha256: sum, source }: GalleryImage): Promise<boolean> {
  if (source !== null && (await store.head(source)) !== null) return true;
  return (await store.head(blobKey(sum))) !== null;
}
