/** The interface on a server of Node's, on this machine. */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { InvalidInputError, MissingDependencyError, NotFoundError } from '../core/errors.ts';
import { createApp } from './app.ts';
import { Drain } from './drain.ts';
import { needsTokens } from './http/access.ts';
import { addressOf } from './http/rate.ts';
import { makeDeps } from './deps.ts';
import type { Deps, ServeOptions } from './deps.ts';
import { TrainingRunner } from './trainings/runner.ts';
import type { RunnerOptions } from './trainings/runner.ts';

export interface ListenOptions extends Omit<ServeOptions, 'hosts' | 'trainings'> {
  /** How trainings are run, in processes of their own. @default they are not */
  readonly trainings?: Omit<RunnerOptions, 'store' | 'trouble'> | null;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0: any that is free. @default 8787 */
  readonly port?: number;
  /** How many proxies of ours stand before it and write X-Forwarded-For. @default 0 */
  readonly proxies?: number;
  /** Milliseconds after which a connection whose request has not come in is cut. @default a little more than a request may take */
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
 * and there is no token, nor an issuer of them
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, drainMs = 30_000, proxies = 0 } = options;
  const tokens = options.tokens === true || (!isLoopback(host) && !options.jwt);
  // Whoever has a token may come under any name; without tokens, other names are a trick.
  const hosts = tokens || options.jwt ? null : new Set<string>();
  const { trainings } = options;
  const deps = makeDeps({
    background: true,
    ...options,
    tokens,
    hosts,
    trainings: trainings ? (shared) => new TrainingRunner({ ...trainings, ...shared }) : null,
    addressOf: (c) => {
      const { incoming } = c.env as { incoming: IncomingMessage };
      return addressOf(incoming.socket.remoteAddress, c.req.header('X-Forwarded-For'), proxies);
    },
  });
  await requireToken(deps, host);
  // What comes too slowly is answered by the interface; this is for what does not even get there.
  const { requestMs = (deps.limits.seconds + 5) * 1000 } = options;
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
  // Who does not read an answer, or sends nothing any more; streams say something every quarter of a minute.
  server.setTimeout(Math.max(60_000, requestMs * 2));
  const drain = new Drain(server);
  await bind(server, host, port);
  const taken = (server.address() as AddressInfo).port;
  for (const name of ownHosts(host, taken)) hosts?.add(name);
  void warmUp(deps);
  deps.ingestion?.start();
  return {
    url: `http://${inUrl(host)}:${taken}`,
    async close() {
      deps.streams.end();
      await Promise.all([drain.end(drainMs), deps.trainings?.close()]);
      await Promise.all([deps.ingestion?.close(), deps.unknown?.close(), deps.moves.close()]);
      await deps.versions.close();
    },
  };
}

/** Whoever asks first should not wait for what is asked by default. */
async function warmUp(deps: Deps): Promise<void> {
  try {
    await deps.versions.ask(await deps.targets.of(undefined, {}), () => Promise.resolve());
  } catch (error) {
    if (!(error instanceof NotFoundError)) deps.trouble(error);
  }
}

async function requireToken(deps: Deps, host: string): Promise<void> {
  const { tokens, jwt, trainings } = deps;
  if (!needsTokens(deps) || jwt !== null || (await tokens?.any())) return;
  await trainings?.close();
  throw new InvalidInputError(
    `There is no token, and ${isLoopback(host) ? 'requests are to need one' : `${inUrl(host)} can be reached by others`}. ` +
      `Make one first (kindred tokens create NAME --scope admin), or name an issuer of tokens (--jwt-issuer).`,
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

/** What a server may be called in `Host` and `Origin`, which do not say the usual port. */
export function ownHosts(host: string, port: number): string[] {
  const names = isLoopback(host) ? ['127.0.0.1', 'localhost', '[::1]', inUrl(host)] : [inUrl(host)];
  return names.map((name) => new URL(`http://${name}:${port}`).host);
}

/** Whether nobody but this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
