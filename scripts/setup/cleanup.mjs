/** What must not outlive the set-up, however it ends: temporary folders and child processes. */

/** @type {Set<() => void>} */
const pending = new Set();

/**
 * Registers something to be done should the process end before it is undone.
 *
 * @param {() => void} action synchronous
 * @returns {() => void} call it when the action is no longer needed
 */
export function onAbort(action) {
  pending.add(action);
  return () => pending.delete(action);
}

/** Makes Ctrl-C and a termination request run what is registered. */
export function watchSignals() {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', () => {
    for (const action of pending) action();
  });
}
