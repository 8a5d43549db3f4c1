import type { EmbeddedPictures } from '../embedding/embed-pictures.ts';
import { createGallery } from '../gallery/gallery.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { OpenedGallery } from './open-version.ts';

/**
 * Pictures that a version's own embedder has embedded, bound to the version: only so can they join its gallery.
 * @throws InvalidInputError when two have one key
 */
export function boundTo({ gallery }: OpenedGallery, { pictures, embeddings }: EmbeddedPictures): Gallery {
  return createGallery({
    dimensions: gallery.dimensions,
    distance: gallery.distance,
    embedder: gallery.embedder,
    keys: pictures.map(({ key }) => key),
    classes: pictures.map(({ className }) => className),
    sha256: pictures.map(({ sha256 }) => sha256),
    embeddings,
  });
}
