/** Far below what systems allow a process to have open, and more than a disk has use for. */
const MOST = 64;

const waiting: (() => void)[] = [];
let running = 0;

/**
 * Runs `work`, which has a file open, when fewer than {@link MOST} of its kind are under way in this process: whoever
 * asks for thousands of objects at once does not run out of open files. `work` must not ask for another turn itself.
 */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < MOST) running++;
  // The turn is handed over by whoever ends.
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
