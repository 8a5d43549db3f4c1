/** The interface on a server of Node's, on this machine. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { InvalidInputError, MissingDependencyError } from '../core/errors.ts';
import { createApp } from './app.ts';
import type { Deps } from './deps.ts';
import { makeDeps } from './make-deps.ts';
import type { ServeOptions } from './make-deps.ts';
import { TrainingRunner } from './trainings/runner.ts';
import type { RunnerOptions } from './trainings/runner.ts';

export interface ListenOptions extends Omit<ServeOptions, 'hosts' | 'trainings'> {
  /** How trainings are run, in processes of their own. @default they are not */
  readonly trainings?: Omit<RunnerOptions, 'store' | 'trouble'> | null;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0: any that is free. @default 8787 */
  readonly port?: number;
  /** Milliseconds for a whole request to come in. @default 60 000 */
  readonly requestMs?: number;
  /** Milliseconds that requests under way get when the server is closed. @default 30 000 */
  readonly drainMs?: number;
}

export interface Listening {
  readonly url: string;
  /** Takes no more requests, ends those under way, and gives all memory back. */
  close(): Promise<void>;
}

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8787;

/**
 * Starts to listen.
 * @throws MissingDependencyError when the address cannot be taken; InvalidInputError when others could reach it, or tokens are wanted,
 * and there is no token
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, requestMs = 60_000, drainMs = 30_000 } = options;
  const tokens = options.tokens === true || !isLoopback(host);
  // Whoever has a token may come under any name; without tokens, other names are a trick.
  const hosts = tokens ? null : new Set<string>();
  const { trainings } = options;
  const deps = makeDeps({
    ...options,
    tokens,
    hosts,
    trainings: trainings ? (shared) => new TrainingRunner({ ...trainings, ...shared }) : null,
  });
  await requireToken(deps, host);
  const app = createApp(deps);
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      requestTimeout: requestMs,
      headersTimeout: Math.min(requestMs, 20_000),
      keepAliveTimeout: 10_000,
      connectionsCheckingInterval: Math.min(5000, requestMs),
      maxHeaderSize: 64 * 1024,
    },
  }) as Server;
  server.maxConnections = 1024;
  await bind(server, host, port);
  const taken = (server.address() as AddressInfo).port;
  for (const name of namesOf(host)) hosts?.add(`${name}:${taken}`);
  return {
    url: `http://${inUrl(host)}:${taken}`,
    async close() {
      deps.streams.end();
      await Promise.all([drained(server, drainMs), deps.trainings?.close()]);
      await deps.versions.close();
    },
  };
}

async function requireToken({ tokens, trainings }: Deps, host: string): Promise<void> {
  if (tokens === null || (await tokens.any())) return;
  await trainings?.close();
  throw new InvalidInputError(
    `There is no token, and ${isLoopback(host) ? 'requests are to need one' : `${inUrl(host)} can be reached by others`}. ` +
      `Make one first: kindred tokens create NAME --scope admin.`,
  );
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MissingDependencyError(
      `The address ${inUrl(host)}:${port} cannot be taken: ${why}. Name another one with --port or --host.`,
      { cause },
    );
  }
}

async function drained(server: Server, drainMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const last = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(last);
}

/** What the loopback address is called. */
function namesOf(host: string): string[] {
  return isLoopback(host) ? ['127.0.0.1', 'localhost', '[::1]', inUrl(host)] : [inUrl(host)];
}

/** Whether nobody but this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
