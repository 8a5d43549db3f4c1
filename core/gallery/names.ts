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

/** `<className>/<file>`, with " (2)", " (3)" ... before the extension where that key is taken. */
export function uniqueKey(className: string, file: string, taken: ReadonlySet<string>): string {
  let key = `${className}/${file}`;
  for (let n = 2; taken.has(key); n++) key = `${className}/${withSuffix(file, String(n))}`;
  return key;
}

/**
 * The key for a picture that is to be `wanted`: where another picture has that key, with the first 8 digits of the
 * picture's own SHA-256 before the extension, so that people who add at once and know nothing of each other keep apart.
 * @param sha256Of the checksum of the picture that has a key, or undefined where the key is free
 */
export function keyOfPicture(
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
