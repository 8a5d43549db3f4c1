/** What the set-up prints: plain lines, and for long work how much is done and how long it will take still. */
import process from 'node:process';

const TERMINAL_EVERY = 500;
const PLAIN_EVERY = 5000;

/** @param {string} line */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {number} bytes @returns {string} decimal megabytes */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** @param {number} start as given by `performance.now()` @returns {string} */
export function since(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * @param {string} label
 * @param {number} done bytes
 * @param {number} total bytes
 * @param {number} seconds since the start
 * @returns {string} one line
 */
export function progressLine(label, done, total, seconds) {
  const part = Math.min(1, done / total);
  const left = part > 0.02 ? `, about ${Math.ceil((seconds * (1 - part)) / part)} s left` : '';
  return `  ${label}: ${megabytes(Math.min(done, total))} of ${megabytes(total)}${left}`;
}

/**
 * Prints progress while work goes on: in place on a terminal, else a line every few seconds.
 *
 * @template T
 * @param {string} label
 * @param {number} total bytes
 * @param {() => number} done bytes so far
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress(label, total, done, work) {
  const start = performance.now();
  const terminal = process.stdout.isTTY;
  const timer = setInterval(
    () => {
      const line = progressLine(label, done(), total, (performance.now() - start) / 1000);
      process.stdout.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
    },
    terminal ? TERMINAL_EVERY : PLAIN_EVERY,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (terminal) process.stdout.write('\r\u001b[K');
  }
}
