import { InvalidInputError } from '../errors.ts';

// "/" separates; control characters and lone surrogates do not survive paths and UTF-8.
const FORBIDDEN = /[/\p{Cc}\p{Cs}]/u;

/**
 * Checks one part of a key: a class or a file. Any Unicode but "/", control characters and lone surrogates; not "", "." or "..".
 * @throws InvalidInputError
 */
export function checkName(name: string, what: 'class' | 'file'): void {
  if (name !== '' && name !== '.' && name !== '..' && !FORBIDDEN.test(name)) return;
  throw new InvalidInputError(
    `${JSON.stringify(name)} cannot be the name of a ${what}: allowed is any text without "/" and control characters, except "", "." and "..".`,
  );
}

/** The file part of a key `<class>/<file>`. */
export function fileOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

/** The class part of a key `<class>/<file>`. */
export function classOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}

/**
 * Checks that a key is `<className>/<file>`.
 * @throws InvalidInputError
 */
export function checkKey(key: string, className: string): void {
  if (!key.startsWith(`${className}/`)) {
    throw new InvalidInputError(
      `The key ${JSON.stringify(key)} does not fit the class ${JSON.stringify(className)}: a key is <class>/<file>.`,
    );
  }
  checkName(className, 'class');
  checkName(key.slice(className.length + 1), 'file');
}

/**
 * The key for an image that is to be `wanted`: where another image has that key, with the first 8 digits of the
 * image's own SHA-256 before the extension, so that images that are added at once keep apart.
 * @param sha256Of the SHA-256 of the image that has a key, or undefined where the key is free
 */
export function keyOfImage(
  wanted: string,
  sha256: string,
  sha256Of: (key: string) => string | undefined,
): string {
  let file = fileOf(wanted);
  let key = wanted;
  for (let there = sha256Of(key); there !== undefined && there !== sha256; there = sha256Of(key)) {
    file = withSuffix(file, sha256.slice(0, 8));
    key = `${classOf(wanted)}/${file}`;
  }
  return key;
}

/** `1.jpg` with "2" is `1 (2).jpg`. */
function withSuffix(file: string, suffix: string): string {
  const dot = file.lastIndexOf('.');
  return dot > 0 ? `${file.slice(0, dot)} (${suffix})${file.slice(dot)}` : `${file} (${suffix})`;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** @param of what it is the checksum of, for the message @throws InvalidInputError when it is no SHA-256 in hex */
export function checkSha256(sha256: string, of: string): void {
  if (SHA256.test(sha256)) return;
  throw new InvalidInputError(
    `${JSON.stringify(sha256)} of ${JSON.stringify(of)} is not a SHA-256: 64 lower-case hex digits.`,
  );
}
