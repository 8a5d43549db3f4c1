import { InvalidInputError, TooLargeError } from '../errors.ts';

/** S3 allows no longer key, so no driver does. */
export const MAX_KEY_BYTES = 1024;
/** What common file systems allow for one name. */
export const MAX_PART_BYTES = 255;
/** First part of a key under which the fs driver keeps temporary files and locks; no driver lends it out. */
export const RESERVED_PART = '.kindred-store';

const ALLOWED =
  `A key is "/"-separated parts, none of them empty, "." or "..", without control characters, ` +
  `at most ${MAX_PART_BYTES} bytes of UTF-8 a part and ${MAX_KEY_BYTES} in all.`;

/**
 * Throws unless `key` may name an object in every store.
 * @throws InvalidInputError
 */
export function checkKey(key: string): void {
  const problem = keyProblem(key);
  if (problem !== null) throw new InvalidInputError(`The key ${quote(key)} ${problem}. ${ALLOWED}`);
}

/** @throws TooLargeError when an object of `size` bytes is larger than it may be */
export function checkSize(key: string, size: number, most: number | undefined): void {
  if (most === undefined || size <= most) return;
  throw new TooLargeError(`${quote(key)} has ${size} bytes, allowed are at most ${most}.`);
}

/**
 * Throws unless `prefix` may start a key; '' does, and its last part may be cut short anywhere.
 * @throws InvalidInputError
 */
export function checkPrefix(prefix: string): void {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const rest = prefix.slice(folder.length);
  const problem =
    (folder === '' ? null : keyProblem(folder.slice(0, -1))) ?? (rest === '' ? null : textProblem(rest));
  if (problem !== null) throw new InvalidInputError(`The key prefix ${quote(prefix)} ${problem}. ${ALLOWED}`);
}

/**
 * Throws unless `prefix` is '' or a key and "/".
 * @throws InvalidInputError
 */
export function checkFolderPrefix(prefix: string): void {
  checkPrefix(prefix);
  if (prefix !== '' && !prefix.endsWith('/')) {
    throw new InvalidInputError(`The folder prefix ${quote(prefix)} must be empty or end in "/".`);
  }
}

/** Why `key` cannot name an object, or null when it can. */
export function keyProblem(key: string): string | null {
  if (key === '') return 'is empty';
  const problem = textProblem(key);
  if (problem !== null) return problem;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `is ${Buffer.byteLength(key)} bytes long`;
  const parts = key.split('/');
  // A file system that ignores case would find the reserved folder under any spelling.
  if (parts[0]?.toLowerCase() === RESERVED_PART) return `starts with the reserved part "${RESERVED_PART}"`;
  for (const part of parts) {
    if (part === '') return 'has an empty part';
    if (part === '.' || part === '..') return `has the part "${part}"`;
    if (Buffer.byteLength(part) > MAX_PART_BYTES) return `has a part of ${Buffer.byteLength(part)} bytes`;
  }
  return null;
}

function textProblem(text: string): string | null {
  if (/\p{Cc}/u.test(text)) return 'has a control character';
  if (/\p{Surrogate}/u.test(text)) return 'has half of a surrogate pair';
  return null;
}

/** The text as a JSON string, shortened, so that a hostile name can neither hide nor flood a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
