/** What is looked at before a request comes to its resource. */
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { RequestError } from '../errors.ts';
import type { LogEntry } from '../log.ts';
import type { Env } from './env.ts';
import type { ServerMetrics } from './server-metrics.ts';

const REQUEST_ID = /^[\w.=-]{1,128}$/;

/** Gives the request an id, its own or the one it came with, and writes it into log and metrics when it is answered. */
export function watched(log: (entry: LogEntry) => void, metrics: ServerMetrics) {
  return createMiddleware<Env>(async (c, next) => {
    const began = performance.now();
    const given = c.req.header('X-Request-Id');
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    c.set('requestId', requestId);
    c.set('by', 'http');
    await next();
    c.header('X-Request-Id', requestId);
    const seconds = (performance.now() - began) / 1000;
    const { method } = c.req;
    const status = c.res.status;
    const route = routePath(c, -1);
    metrics.request({ method: METHODS.has(method) ? method : 'other', route, status, seconds });
    const noted = c.get('noted') ?? {};
    log({
      level: 'info',
      requestId,
      method,
      // An address to upload to lets in whoever has it: it is no more to be read in a log than a token.
      path: (route === SIGNED ? route : c.req.path).slice(0, 512),
      route,
      status,
      seconds,
      ...noted,
    });
  });
}

/** The route of addresses that are signed. */
const SIGNED = '/v1/uploads/:upload';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);

/** What browsers should make of the answers. */
export function headers() {
  return createMiddleware<Env>(async (c, next) => {
    await next();
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Referrer-Policy', 'no-referrer');
    c.header('Cross-Origin-Resource-Policy', 'same-origin');
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  });
}

/**
 * Without tokens, a page of somebody else must neither post to this server nor read from it: names that lead here by a trick of
 * DNS are refused, and so are requests that a page of another origin makes.
 */
export function ownHostsOnly(hosts: ReadonlySet<string> | null) {
  return createMiddleware<Env>(async (c, next) => {
    if (hosts !== null) {
      const host = new URL(c.req.url).host;
      if (!hosts.has(host)) throw refused(`The server is not called ${JSON.stringify(host)}.`);
      const origin = c.req.header('Origin');
      if (origin !== undefined && !hosts.has(hostOf(origin))) {
        throw refused(`Pages of ${JSON.stringify(origin)} may not use this server.`);
      }
      const site = c.req.header('Sec-Fetch-Site');
      if (site === 'cross-site') throw refused('Pages of other sites may not use this server.');
    }
    await next();
  });
}

function refused(message: string): RequestError {
  return new RequestError(403, 'forbidden', message);
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}
