import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { VersionDraft } from '../../../core/registry/publish.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';

export const author = { by: 'a test', why: 'to see' };

export const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A small version; `files` and other fields as wished. */
export function draft(changes: Partial<VersionDraft> = {}): VersionDraft {
  return {
    files: { 'gallery.arrow': bytes('gallery'), 'network/model.json': bytes('{}') },
    recipe: {
      name: 'metric',
      options: { margin: 0.2, layers: ['a', 'b'], nested: { '10': 1, b: 2, '9': null } },
    },
    seed: 7,
    dataSet: { name: 'cats', pictures: [{ key: '猫/1.jpg', sha256: 'ab'.repeat(32) }] },
    libraries: { node: '20.0.0' },
    engine: { name: 'tensorflow', device: 'cpu' },
    metrics: { accuracy: 0.9 },
    createdBy: 'a test',
    ...changes,
  };
}

export interface Setting {
  readonly store: ObjectStore;
  readonly registry: Registry;
  /** Publishes so many versions of "cats". */
  readonly publish: (count: number) => Promise<void>;
}

export type Test = (name: string, work: (setting: Setting) => Promise<void>) => void;

/** Runs the tests of `define` on a registry in memory and on one in a folder, fresh for each. */
export function onEachStore(subject: string, define: (test: Test) => void): void {
  describe(`${subject}, in memory`, () => {
    define((name, work) => void it(name, () => work(settingOf(memoryStore()))));
  });
  describe(`${subject}, in a folder`, () => {
    define((name, work) => void it(name, () => withFolder((folder) => work(settingOf(fsStore(folder))))));
  });
}

export function settingOf(store: ObjectStore): Setting {
  const registry = openRegistry(store);
  async function publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await registry.publish('cats', draft({ seed: i }));
  }
  return { store, registry, publish };
}

export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-registry-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The same store, with `before` awaited ahead of every operation; when it throws, the operation does not happen. */
export function intercepted(
  store: ObjectStore,
  before: (operation: string, key: string) => Promise<void>,
): ObjectStore {
  async function* after<T>(operation: string, key: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    await before(operation, key);
    yield* items;
  }
  return {
    uri: store.uri,
    get: (key, most) => before('get', key).then(() => store.get(key, most)),
    head: (key) => before('head', key).then(() => store.head(key)),
    read: (key) => before('read', key).then(() => store.read(key)),
    put: (key, source, condition) => before('put', key).then(() => store.put(key, source, condition)),
    delete: (key) => before('delete', key).then(() => store.delete(key)),
    list: (prefix) => after('list', prefix, store.list(prefix)),
    folders: (prefix) => after('folders', prefix, store.folders(prefix)),
  };
}

/** The same store for a process that is killed after so many writes: it does nothing any more then. */
export function dyingAfter(store: ObjectStore, writes: number): ObjectStore {
  let left = writes;
  return intercepted(store, async (operation) => {
    const isWrite = operation === 'put' || operation === 'delete';
    if (left < 0 || (isWrite && --left < 0)) throw new Error('killed');
  });
}

/** In a program: the same store, that says "at <operation> <key>" and stops for good before the `times`-th operation that fits. */
export function stoppingAt(store: ObjectStore, moment: RegExp, times = 1): ObjectStore {
  let left = times;
  return intercepted(store, async (operation, key) => {
    if (!moment.test(`${operation} ${key}`) || --left > 0) return;
    console.log(`at ${operation} ${key}`);
    // For good, also when nothing else keeps the process.
    setInterval(() => undefined, 1000);
    await new Promise(() => undefined);
  });
}
