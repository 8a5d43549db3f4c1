/** The command line as the set-up compiled it (program.mjs): it starts in half the time that it takes from its sources. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Below the checkout: every compiled program in a folder of its own, and the record of the last one. */
export const PROGRAMS = path.join('dist', 'program');
export const RECORD = path.join(PROGRAMS, 'record.json');

/**
 * @typedef {object} Compiled paths relative to the checkout
 * @property {string} entry the file to load
 * @property {number} files how many there are in its folder
 * @property {Record<string, string>} inputs what went into it, and what `stateOf` said of each
 */

/**
 * Milliseconds, for all inputs together.
 *
 * @param {string} root of the checkout
 * @returns {string | undefined} the file to load; undefined where none is there, or anything that went into it changed since
 */
export function compiledProgram(root) {
  try {
    /** @type {Compiled} */
    const { entry, files, inputs } = JSON.parse(readFileSync(path.join(root, RECORD), 'utf8'));
    const file = path.join(root, entry);
    const isFresh = Object.entries(inputs).every(([name, state]) => stateOf(path.join(root, name)) === state);
    const isWhole = existsSync(file) && readdirSync(path.dirname(file)).length === files;
    return isFresh && isWhole ? file : undefined;
  } catch {
    // The sources are there in any case.
    return undefined;
  }
}

/** @param {string} file @returns {string} its size and the time of its last change */
export function stateOf(file) {
  const { size, mtimeMs } = statSync(file);
  return `${size} ${mtimeMs}`;
}
