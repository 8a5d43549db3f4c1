/** What the entries of one change do to a gallery's pictures. */
import { keyOfPicture } from './names.ts';
import type { Named, NamedEntry, Removal, Seen } from './segments.ts';

/** Pictures by key that can be found by their checksum. */
export interface FoundBySum<P extends Named> extends Map<string, P> {
  /** Checksums of pictures that somebody has said the one class of; as long as the gallery has them. */
  readonly said: Set<string>;
  ofSum(sha256: string): readonly Named[];
}

/**
 * Changes the pictures, by key, as one segment says. What is added because a data set has it (the segment says that it was seen there) adds
 * nothing to a picture that somebody has said the one class of: also where the two happened at once and neither knew of the other.
 */
export function applyEntries<P extends Named>(
  pictures: FoundBySum<P>,
  entries: readonly (P | Removal | Seen)[],
): void {
  const overruled = overruledSums(pictures, entries);
  const removed = new Set<string>();
  for (const entry of entries) {
    if (entry.op === 'remove') {
      removed.add(pictures.get(entry.key)?.sha256 ?? '');
      pictures.delete(entry.key);
    } else if (entry.op === 'add' && !overruled.has(entry.sha256)) {
      if (!entry.alone) put(pictures, entry);
      else if (!isThereAlone(pictures, entry)) {
        const { alone: _, ...picture } = entry;
        put(pictures, picture as P);
      }
    }
  }
  // Not before the end: a class that is renamed goes, and comes back.
  for (const sum of removed)
    if (pictures.said.has(sum) && pictures.ofSum(sum).length === 0) pictures.said.delete(sum);
}

/** Pictures that a segment adds because a data set has them, and that stay where somebody has said. */
export function overruledSums(
  { said }: FoundBySum<Named>,
  entries: readonly NamedEntry[],
): ReadonlySet<string> {
  if (said.size === 0) return said;
  const seen = entries.flatMap((entry) => (entry.op === 'seen' ? (entry.sha256 ?? []) : []));
  return new Set(seen.filter((sum) => said.has(sum)));
}

function put<P extends Named>(pictures: FoundBySum<P>, picture: P): void {
  const key = keyOfPicture(picture.key, picture.sha256, (one) => pictures.get(one)?.sha256);
  pictures.set(key, { ...picture, key });
}

/** Takes the picture out of other classes. @returns whether it is under this one already */
function isThereAlone<P extends Named>(pictures: FoundBySum<P>, { sha256, class: name }: Named): boolean {
  pictures.said.add(sha256);
  const rows = pictures.ofSum(sha256);
  for (const row of rows) if (row.class !== name) pictures.delete(row.key);
  return rows.some((row) => row.class === name);
}
