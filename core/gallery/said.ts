import type { GalleryLog } from './carry-over.ts';
import { Pictures } from './changes.ts';

/** Checksums of the pictures in the gallery that somebody has said the one class of: what a data set says of them does not count. */
export function saidPictures({ made, segments }: GalleryLog): ReadonlySet<string> {
  const anybody = segments.some(({ entries }) => entries.some((entry) => entry.op === 'add' && entry.alone));
  if (!anybody) return new Set();
  const pictures = Pictures.of(made, segments);
  return new Set([...pictures.said].filter((sum) => pictures.ofSum(sum).length > 0));
}
