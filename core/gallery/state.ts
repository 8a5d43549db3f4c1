import { createHash } from 'node:crypto';
import type { Gallery } from './gallery.ts';
import type { Change } from './facts.ts';

/** The state of a version's gallery that an answer came from, so that it can be computed again. */
export interface GalleryState {
  readonly pictures: number;
  /** How many changes the log of the model's gallery held. */
  readonly changes: number;
  /** The id of the last one. */
  readonly lastChange: string | null;
  /** SHA-256 of all their ids, ascending, one a line: a change may come late, with an id before others. */
  readonly sha256: string;
}

/** @param gallery with the changes in it @param segments the changes, by their ids ascending */
export function galleryState(
  { keys }: Pick<Gallery, 'keys'>,
  segments: readonly Pick<Change, 'id'>[],
): GalleryState {
  const ids = segments.map(({ id }) => `${id}\n`).join('');
  return {
    pictures: keys.length,
    changes: segments.length,
    lastChange: segments.at(-1)?.id ?? null,
    sha256: createHash('sha256').update(ids).digest('hex'),
  };
}
