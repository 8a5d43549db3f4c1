import { createHash } from 'node:crypto';
import { CorruptDataError, NotFoundError } from '../errors.ts';
import { quote } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Picture } from './dataset.ts';
import type { DecodedImage } from './pixels.ts';

/** SHA-256, hex. */
export function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A picture of a store. What is read later is held against the checksum, for lineage is written from it. */
export function storedPicture(
  store: ObjectStore,
  storeKey: string,
  key: string,
  className: string,
  sha256: string,
  small?: DecodedImage,
): Picture {
  return {
    key,
    className,
    sha256,
    ...(small && { thumbnail: small.data, ...(small.levels && { levels: small.levels }) }),
    async read() {
      const found = await store.get(storeKey);
      if (!found)
        throw new NotFoundError(`The picture ${quote(key)} is gone since the data set was scanned.`);
      if (digest(found.bytes) !== sha256) {
        throw new CorruptDataError(
          `The picture ${quote(key)} has changed since the data set was scanned. Leave it alone and start again.`,
        );
      }
      return found.bytes;
    },
  };
}
