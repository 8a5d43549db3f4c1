/** Real servers over real, tiny versions: see test/core/registry/colours.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createApp } from '../../functions/app.ts';
import type { LogEntry } from '../../functions/log.ts';
import { makeDeps } from '../../functions/deps.ts';
import { listen } from '../../functions/server.ts';
import type { ListenOptions } from '../../functions/server.ts';
import { openRegistry } from '../../core/registry/registry.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { memoryStore } from '../../core/storage/memory.ts';
import { SHARP, pictures, publishColours } from '../core/registry/colours.ts';
import { author } from '../core/registry/support.ts';

/** Something that answers requests, by address or by path. */
export interface Served {
  readonly registry: Registry;
  readonly log: LogEntry[];
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
  readonly close: () => Promise<void>;
}

export type Overrides = Partial<Omit<ListenOptions, 'registry' | 'log'>>;
type WithoutServer = Omit<Overrides, 'trainings'>;

/** A registry with the model "colours", whose version 1 is live. */
export async function colours(registry = openRegistry(memoryStore())): Promise<Registry> {
  const train = await pictures(['red', 'green', 'blue'], 0, 4);
  await publishColours(registry, SHARP, train);
  await registry.move('colours', 'production', 1, author);
  return registry;
}

/** A server that listens, over a registry in a folder. */
export async function listening(
  overrides: Overrides = {},
  made?: Registry,
): Promise<Served & { url: string }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-functions-'));
  const registry = made ?? (await colours(openRegistry(fsStore(folder))));
  const log: LogEntry[] = [];
  const server = await listen({ port: 0, ...overrides, registry, log: (entry) => log.push(entry) });
  return {
    registry,
    log,
    url: server.url,
    fetch: (at, init) => fetch(server.url + at, init),
    async close() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The same without a server, over a registry in memory. */
export async function inProcess(overrides: WithoutServer = {}): Promise<Served> {
  const registry = await colours();
  const log: LogEntry[] = [];
  const deps = makeDeps({ ...overrides, registry, log: (entry) => log.push(entry) });
  const app = createApp(deps);
  return {
    registry,
    log,
    fetch: async (at, init) => app.request(at, init),
    close: () => deps.versions.close(),
  };
}

/** The body, as JSON. */
export async function json<T = Record<string, unknown>>(response: Response): Promise<T> {
  return (await response.json()) as T;
}
