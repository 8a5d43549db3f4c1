/**
 * Lets at most `most` pieces of work of one kind be under way in this process; the rest wait in line. `work` must not
 * ask for another turn of the same kind itself.
 */
export function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;

  return async function inTurn(work) {
    if (running < most) running++;
    // The turn is handed over by whoever ends.
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
