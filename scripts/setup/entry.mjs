/**
 * A cache entry: a folder that is there whole or not at all. It is filled under another name and renamed into place, so set-ups that
 * run at the same time cannot harm each other; `complete.json` holds the size and SHA-256 of every file.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from './errors.mjs';
import { sha256OfFile } from './hash.mjs';

const MARKER = 'complete.json';

/** @typedef {Record<string, { bytes: number, sha256: string }>} Files by path relative to the entry, with "/" */

/**
 * Looks at sizes only, which takes milliseconds.
 *
 * @param {string} folder
 * @returns {string | undefined} what is wrong with the entry, or undefined when it is whole
 */
export function entryProblem(folder) {
  if (!existsSync(folder)) return 'it is not there';
  try {
    for (const [name, { bytes }] of Object.entries(readMarker(folder))) {
      const file = statSync(path.join(folder, name), { throwIfNoEntry: false });
      if (!file) return `${name} is missing`;
      if (file.size !== bytes) return `${name} has ${file.size} bytes instead of ${bytes}`;
    }
    return undefined;
  } catch (error) {
    return `${MARKER} cannot be used: ${messageOf(error)}`;
  }
}

/**
 * Reads every file.
 *
 * @param {string} folder
 * @returns {Promise<string | undefined>} as `entryProblem`
 */
export async function entryDamage(folder) {
  const problem = entryProblem(folder);
  if (problem) return problem;
  for (const [name, { sha256 }] of Object.entries(readMarker(folder))) {
    if ((await sha256OfFile(path.join(folder, name))) !== sha256) return `${name} does not match its SHA-256`;
  }
  return undefined;
}

/**
 * Marks a filled temporary folder as complete and renames it into place. What another set-up has put there meanwhile is kept.
 *
 * @param {string} filled
 * @param {Files} files
 * @param {string} folder
 */
export function placeEntry(filled, files, folder) {
  writeFileSync(path.join(filled, MARKER), `${JSON.stringify({ files }, undefined, 1)}\n`);
  mkdirSync(path.dirname(folder), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      renameSync(filled, folder);
      return;
    } catch (error) {
      if (entryProblem(folder) === undefined) return;
      if (attempt === 3) throw error;
      moveAway(folder, `${filled}.damaged${attempt}`);
    }
  }
}

/**
 * @param {string} folder
 * @param {string} target in the temporary folder, which is removed
 */
function moveAway(folder, target) {
  try {
    renameSync(folder, target);
  } catch (error) {
    if (existsSync(folder)) throw error;
  }
}

/**
 * Makes every set-up see the entry as damaged, also where sizes are right.
 *
 * @param {string} folder
 */
export function condemnEntry(folder) {
  rmSync(path.join(folder, MARKER), { force: true });
}

/** @param {string} folder @returns {Files} */
function readMarker(folder) {
  const { files } = JSON.parse(readFileSync(path.join(folder, MARKER), 'utf8'));
  if (typeof files !== 'object' || files === null || Object.keys(files).length === 0)
    throw new Error('it names no files');
  return files;
}
