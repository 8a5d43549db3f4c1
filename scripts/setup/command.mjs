/** Runs other programs. */
import { spawn } from 'node:child_process';
import { onAbort } from './cleanup.mjs';
import { messageOf } from './errors.mjs';

const KEPT_OUTPUT = 16_384;

/** Flags for npm: by itself it goes on for over a minute when there is no network. */
export const NPM_PATIENCE = [
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
];

/**
 * @typedef {object} Outcome
 * @property {boolean} ok it ran and ended with status 0
 * @property {boolean} found false when there is no such program
 * @property {string} output the end of what it printed, both streams
 * @property {string} stdout the end of its standard output
 */

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Outcome>} never rejects
 */
export function command(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const done = onAbort(() => child.kill());
    let output = '';
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout = (stdout + text).slice(-KEPT_OUTPUT);
      output = (output + text).slice(-KEPT_OUTPUT);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-KEPT_OUTPUT)));
    child.once('error', (error) => {
      done();
      const found = !('code' in error && error.code === 'ENOENT');
      resolve({ ok: false, found, output: messageOf(error), stdout });
    });
    child.once('close', (code, signal) => {
      done();
      if (signal) output += `\n${program} was ended by ${signal}.`;
      resolve({ ok: code === 0, found: true, output, stdout });
    });
  });
}

/**
 * @param {string} output
 * @param {number} lines
 * @returns {string} its last lines, indented
 */
export function lastLines(output, lines) {
  return indented(filledLines(output).slice(-lines));
}

/**
 * npm says first what is wrong and explains its own usage afterwards.
 *
 * @param {string} output
 * @param {number} lines
 * @returns {string} the first lines that npm marked as errors, or the last lines if it marked none; indented
 */
export function npmErrors(output, lines) {
  const errors = filledLines(output).filter((line) => /^npm (error|ERR!) \S/.test(line));
  return errors.length > 0 ? indented(errors.slice(0, lines)) : lastLines(output, lines);
}

/** @param {string} output */
function filledLines(output) {
  return output
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}

/** @param {readonly string[]} lines */
function indented(lines) {
  return lines.map((line) => `  | ${line}`).join('\n');
}
