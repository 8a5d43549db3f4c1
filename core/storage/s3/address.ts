import { InvalidInputError } from '../../errors.ts';
import { MAX_KEY_BYTES, keyProblem, quote } from '../keys.ts';

/** Where a store lies in S3. */
export interface Address {
  readonly bucket: string;
  /** What stands before every key: '' or ending in "/". */
  readonly base: string;
}

/**
 * Reads `s3://bucket` or `s3://bucket/prefix`; the prefix is taken as it is written, without percent-decoding.
 * @throws InvalidInputError
 */
export function parseAddress(uri: string): Address {
  const [bucket = '', ...rest] = uri.slice('s3://'.length).split('/');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new InvalidInputError(
      `${quote(uri)} does not name a bucket. Give "s3://BUCKET" or "s3://BUCKET/PREFIX"; a bucket's name is 3 to 63 ` +
        `small letters, digits, "." and "-".`,
    );
  }
  const prefix = rest.join('/').replace(/\/$/, '');
  if (prefix === '') return { bucket, base: '' };
  const problem = keyProblem(prefix);
  if (problem === null) return { bucket, base: `${prefix}/` };
  throw new InvalidInputError(`The prefix ${quote(prefix)} of ${quote(uri)} ${problem}. Give another one.`);
}

/**
 * The whole key of an object.
 * @throws InvalidInputError when it is longer than S3 allows
 */
export function fullKey({ base }: Address, key: string): string {
  const full = base + key;
  const bytes = Buffer.byteLength(full);
  if (bytes <= MAX_KEY_BYTES) return full;
  throw new InvalidInputError(
    `The key ${quote(key)} is ${bytes} bytes long below the prefix ${quote(base)}; S3 allows ${MAX_KEY_BYTES} in ` +
      `all. Choose shorter names, or a shorter prefix.`,
  );
}
