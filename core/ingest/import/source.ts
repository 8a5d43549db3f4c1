import { UnreadableImageError } from '../../errors.ts';
import { problemKind } from '../../images/open-dataset.ts';
import { DATA_SETS } from '../../registry/layout.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { readImage } from '../stored-image.ts';
import type { StoredImage } from '../stored-image.ts';

/** Where the dataset is: `<prefix><class>/<file>` in a store. */
export interface Source {
  readonly store: ObjectStore;
  /** '' or ending in "/". */
  readonly prefix: string;
}

/** Whether it is a dataset of the registry, whose images the gallery points to; bytes of others are kept. */
export function isOfRegistry({ store, prefix }: Source, registry: ObjectStore): boolean {
  return store === registry && prefix.startsWith(DATA_SETS);
}

/** An image of the dataset as it is now, or why it cannot be used. */
export type Read = { readonly path: string } & (
  | { readonly stored: StoredImage; readonly reason?: undefined }
  | { readonly reason: string; readonly stored?: undefined }
);

/** @param path `<class>/<file>` @throws StorageError for what is not this one file's fault */
export async function readFrom({ store, prefix }: Source, path: string): Promise<Read> {
  try {
    const stored = await readImage(store, `${prefix}${path}`);
    return stored === null ? { path, reason: 'it is gone since the dataset was listed' } : { path, stored };
  } catch (error) {
    if (error instanceof UnreadableImageError || problemKind(error) !== null) {
      return { path, reason: (error as Error).message };
    }
    throw error;
  }
}
