import { createHash } from 'node:crypto';
import {
  createGallery,
  type EmbedderId,
  type Gallery,
  type GalleryDistance,
} from '../../../core/gallery/gallery.ts';

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A gallery of hand-made rows: [key, embedding]; the class is the key's first part. */
export function galleryOfRows(
  rows: readonly (readonly [string, readonly number[]])[],
  options: { distance?: GalleryDistance; embedder?: EmbedderId; dimensions?: number } = {},
): Gallery {
  return createGallery({
    dimensions: options.dimensions ?? rows[0]?.[1].length ?? 2,
    keys: rows.map(([key]) => key),
    classes: rows.map(([key]) => key.split('/')[0] ?? ''),
    sha256: rows.map(([key]) => sha256Of(key)),
    embeddings: Float32Array.from(rows.flatMap(([, embedding]) => embedding)),
    distance: options.distance ?? 'squared-euclidean',
    embedder: options.embedder ?? null,
  });
}

/** The point of the unit circle at an angle in degrees. */
export function onCircle(degrees: number): [number, number] {
  return [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
}

/** The rows of a gallery in a form that assert.deepEqual compares. */
export function rowsOf(gallery: Gallery): [string, string, string, number[]][] {
  return gallery.keys.map((key, row) => [
    key,
    gallery.classes[row] ?? '',
    gallery.sha256[row] ?? '',
    Array.from(gallery.embeddings.subarray(row * gallery.dimensions, (row + 1) * gallery.dimensions)),
  ]);
}
