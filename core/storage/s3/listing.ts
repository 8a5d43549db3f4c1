import { StorageError } from '../storage-error.ts';
import { keyProblem, quote } from '../keys.ts';
import type { ListedObject } from '../store.ts';
import type { Bucket, Page } from './client.ts';

/** Every object of the bucket whose key starts with `base + prefix`, in code-unit order, by keys without `base`. */
export async function* objectsIn(bucket: Bucket, base: string, prefix: string): AsyncGenerator<ListedObject> {
  async function* found(): AsyncGenerator<{ name: string; size: number; etag: string }> {
    for await (const { objects } of pages(bucket, base + prefix, null)) {
      for (const { key, size, etag } of objects) yield { name: key.slice(base.length), size, etag };
    }
  }
  for await (const { name, size, etag } of inCodeUnitOrder(found())) {
    if (name === '') continue; // some tools note a folder as an object of its name
    const problem = keyProblem(name);
    if (problem === null) yield { key: name, size, state: etag };
    else yield { key: name, size, problem: { kind: 'bad-name', reason: `the name ${problem}` } };
  }
}

/** The names directly below `base + prefix` that have objects below themselves, in code-unit order. */
export async function* foldersIn(bucket: Bucket, base: string, prefix: string): AsyncGenerator<string> {
  const start = base + prefix;
  const names: string[] = [];
  for await (const { folders } of pages(bucket, start, '/')) {
    for (const folder of folders) names.push(folder.slice(start.length, -1));
  }
  // S3 sorts them with the "/" at their end: "a-b" before "a".
  for (const name of names.toSorted()) if (keyProblem(prefix + name) === null) yield name;
}

/** All pages: a listing that looks complete and is not would lose what people stored. */
async function* pages(bucket: Bucket, prefix: string, delimiter: '/' | null): AsyncGenerator<Page> {
  for (let token: string | null = null; ;) {
    const page: Page = await bucket.page(prefix, delimiter, token);
    yield page;
    if (page.next === null) return;
    if (page.next === '' || page.next === token) {
      throw new StorageError(
        `The server cuts the list of ${quote(prefix)} short and does not say how to go on.`,
      );
    }
    token = page.next;
  }
}

/** First of the code points that come in one order as UTF-8 and in another as UTF-16. */
const FROM_HERE = /[\u{e000}-\u{10ffff}]/u;

/**
 * From S3's order, that of UTF-8's bytes, to that of code units. They differ only between names that are alike up to a
 * character from U+E000 on; such ones come next to each other and are sorted together.
 */
export async function* inCodeUnitOrder<T extends { readonly name: string }>(
  items: AsyncIterable<T>,
): AsyncGenerator<T> {
  let group: T[] = [];
  let alike = '';
  for await (const item of items) {
    if (group.length > 0 && !belongs(item.name, alike)) {
      yield* sorted(group);
      group = [];
    }
    const at = item.name.search(FROM_HERE);
    if (group.length === 0 && at < 0) {
      yield item;
      continue;
    }
    if (group.length === 0) alike = item.name.slice(0, at);
    group.push(item);
  }
  yield* sorted(group);
}

function belongs(name: string, alike: string): boolean {
  return name.startsWith(alike) && name.slice(alike.length).search(FROM_HERE) === 0;
}

function sorted<T extends { readonly name: string }>(group: readonly T[]): T[] {
  return group.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
