import { CorruptDataError, NotFoundError, UnreadableImageError } from '../../errors.ts';
import { classOf } from '../../gallery/names.ts';
import type { Picture } from '../../images/dataset.ts';
import { problemKind } from '../../images/open-dataset.ts';
import { digest } from '../../images/picture.ts';
import type { KeptPicture } from '../../registry/pictures.ts';
import type { ObjectStore } from '../../storage/store.ts';

/** Where the data set lies: `<prefix><class>/<file>` in a store. */
export interface Source {
  readonly store: ObjectStore;
  /** '' or ending in "/". */
  readonly prefix: string;
}

/** A picture of which only the name is known. */
export interface NamedPicture {
  readonly picture: Picture;
  /** Of the bytes that were read last; null before that. */
  readonly sha256: () => string | null;
}

/** The picture under `<class>/<file>`, whatever is there by now: nobody has looked at it before. */
export function namedPicture({ store, prefix }: Source, path: string): NamedPicture {
  let sum: string | null = null;
  const read = async (): Promise<Uint8Array> => {
    try {
      const found = await store.get(`${prefix}${path}`);
      if (found === null) throw new NotFoundError('it is gone since the data set was listed');
      sum = digest(found.bytes);
      return found.bytes;
    } catch (error) {
      if (error instanceof NotFoundError || problemKind(error) === null) throw error;
      throw new UnreadableImageError((error as Error).message, { cause: error });
    }
  };
  return { picture: { key: path, className: classOf(path), sha256: '', read }, sha256: () => sum };
}

/** A picture that was embedded, to be kept; of one in a data set of the registry itself, only where it is. */
export function keptOf(
  registry: ObjectStore,
  { store, prefix }: Source,
  { path, sha256 }: { readonly path: string; readonly sha256: string },
): KeptPicture {
  const key = `${prefix}${path}`;
  return {
    sha256,
    read: async () => {
      const found = await store.get(key);
      if (found !== null && digest(found.bytes) === sha256) return found.bytes;
      throw new CorruptDataError(`${JSON.stringify(path)} changed while it was being added; add it again`);
    },
    ...(store === registry && { source: key }),
  };
}
