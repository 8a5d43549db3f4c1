/** How a route is declared: with its scope, tag and summary, from which access control and the OpenAPI document follow. */
import { createRoute } from '@hono/zod-openapi';
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi';
import type { Scope } from '../../core/registry/tokens.ts';
import type { Env } from './env.ts';

/** The sections of the documentation, in order. */
export const TAGS = {
  pictures: 'Classify, embed and compare images.',
  'unknown pictures': 'Images that a model did not know, waiting for a label.',
  models: 'Models, their versions and aliases.',
  'data sets': 'Labelled images to train on.',
  trainings: 'Training jobs.',
  imports: 'Jobs that embed a large dataset into a gallery.',
  server: 'Health, readiness and metrics.',
} as const;

interface Declaration<P extends string> extends Omit<
  RouteConfig,
  'path' | 'tags' | 'security' | 'middleware' | 'hide'
> {
  readonly path: P;
  /** What a token must allow; `public`: the route needs no token. */
  readonly scope: Scope | 'public';
  readonly tag: keyof typeof TAGS;
  /** A few words, shown in the list of routes. */
  readonly summary: string;
}

/** The name of the security scheme in the OpenAPI document. */
export const TOKEN = 'token';

/** Declares a route. Its scope is kept as the operation's OpenAPI `security`, which `scopesOf` reads back. */
export function route<P extends string, R extends Declaration<P>>({ scope, tag, ...rest }: R) {
  // Servers may run without tokens: a request without one is always a valid alternative.
  const security = scope === 'public' ? [] : [{}, { [TOKEN]: [scope] }];
  return createRoute<P, R>({ ...rest, tags: [tag], security } as unknown as R);
}

/** The declared scope of every route, by method and path as the router has them, such as "GET /v1/models/:model". */
export function scopesOf({ openAPIRegistry }: OpenAPIHono<Env>): ReadonlyMap<string, Scope | 'public'> {
  const routes = openAPIRegistry.definitions.flatMap((one) => (one.type === 'route' ? [one.route] : []));
  return new Map(
    routes.map(({ method, path, security }) => {
      const scopes = security?.flatMap((one) => one[TOKEN] ?? []) as Scope[] | undefined;
      const scope = scopes === undefined ? 'admin' : (scopes[0] ?? 'public');
      return [`${method.toUpperCase()} ${path.replaceAll(/\{(.+?)\}/g, ':$1')}`, scope];
    }),
  );
}
