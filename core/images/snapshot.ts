import { compare } from './dataset.ts';
import type { DataSet } from './dataset.ts';
import { digest } from './picture.ts';

/** Exactly which pictures a data set consisted of. */
export interface Snapshot {
  /** Sorted by key, in code-unit order. */
  readonly pictures: readonly { readonly key: string; readonly sha256: string }[];
  /** SHA-256, hex, of the lines `<sha256>  <key>` in that order: what `sha256sum` prints, so it can be checked by hand. */
  readonly digest: string;
}

/** The snapshot of a data set; equal digests mean the same pictures under the same classes and names. */
export function snapshot(dataSet: DataSet): Snapshot {
  const pictures = dataSet.pictures
    .map(({ key, sha256 }) => ({ key, sha256 }))
    .sort((a, b) => compare(a.key, b.key));
  // Keys have no control characters, so a line's end is no part of one.
  return { pictures, digest: digest(pictures.map(({ key, sha256 }) => `${sha256}  ${key}\n`).join('')) };
}
