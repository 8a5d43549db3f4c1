import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const SHOWN = 5;

/**
 * @param {string} folder
 * @returns {{ bytes: number, digest: string, largest: { name: string, bytes: number }[] }} size of all files; SHA-256 over names and contents,
 *   in the order of names; the largest files
 */
export function describeFolder(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .toSorted();
  const hash = createHash('sha256');
  const files = names.map((name) => {
    const content = readFileSync(path.join(folder, name));
    hash.update(`${name}\0${createHash('sha256').update(content).digest('hex')}\n`);
    return { name, bytes: content.length };
  });
  return {
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    digest: hash.digest('hex'),
    largest: files.toSorted((a, b) => b.bytes - a.bytes).slice(0, SHOWN),
  };
}
