import { createHash } from 'node:crypto';
import type { Gallery } from './gallery.ts';
import type { Segment } from './segments.ts';

/** Which state of a version's gallery an answer came from, so that it can be computed again. */
export interface GalleryState {
  readonly pictures: number;
  /** How many changes it had since the version was published. */
  readonly changes: number;
  /** The id of the last one. */
  readonly lastChange: string | null;
  /** Of all their ids, sorted, one a line: a change may come late, with an id before others. */
  readonly sha256: string;
}

/** @param gallery with the changes in it @param segments the changes, by their ids ascending */
export function galleryState(
  { keys }: Pick<Gallery, 'keys'>,
  segments: readonly Pick<Segment, 'id'>[],
): GalleryState {
  const ids = segments.map(({ id }) => `${id}\n`).join('');
  return {
    pictures: keys.length,
    changes: segments.length,
    lastChange: segments.at(-1)?.id ?? null,
    sha256: createHash('sha256').update(ids).digest('hex'),
  };
}
