/** What is said of a failure, without where in the program it happened and where on the machine things are. */

const FRAME = /^\s+at .+$/;
/** In quotes, a path from the root may have anything in it. */
const QUOTED = /(["'`])(?:file:\/\/)?\/(?!v1\/)([^"'`\n]*\/)?([^"'`\n/]+)\/?\1/g;
const BARE = /(?<![\w.:/\\-])(?:file:\/\/)?\/(?!v1\/)(?:[^\s/"'`<>|,;:()]+\/)+([^\s/"'`<>|,;:()]+)/g;

/** The text without stack traces; of a path from the root of the file system only its last name stays. */
export function plainText(text: string): string {
  const lines = text.split('\n').filter((line) => !FRAME.test(line));
  return lines.join('\n').replaceAll(QUOTED, '$1…/$3$1').replaceAll(BARE, '…/$1').trim();
}

const SAID = /^(?:error: |unexpected (?=\S))/gm;

/**
 * Why a process ended, from the end of what it wrote on stderr: what the command line says of an error, or else its last line.
 * @returns '' when it said nothing
 */
export function lastWords(stderr: string): string {
  const last = [...stderr.matchAll(SAID)].at(-1);
  if (last === undefined) return plainText(stderr).split('\n').at(-1) ?? '';
  const words = stderr.slice(last.index + last[0].length);
  // Of an unexpected error, the lines after the first one are where it happened, and what caused it.
  return plainText(last[0] === 'error: ' ? words : (words.split('\n')[0] ?? ''));
}
