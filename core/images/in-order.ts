/**
 * Works on up to `concurrency` items at once and yields the results in the items' order. Never holds more than so many
 * results. When the reader stops, or one item fails, no further item is begun, and those begun are waited for.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, void> {
  const begun: Promise<Result>[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      // Its failure is met below, in its turn; until then it must not count as unhandled.
      result.catch(() => undefined);
      begun.push(result);
      if (begun.length >= concurrency) yield await (begun.shift() as Promise<Result>);
    }
    for (let next = begun.shift(); next; next = begun.shift()) yield await next;
  } finally {
    await Promise.allSettled(begun);
  }
}
