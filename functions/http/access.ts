/** Who may do what, and how often: bearer tokens with scopes (RFC 6750), Kindred's own or an issuer's. */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { Scope } from '../../core/registry/tokens.ts';
import { RequestError } from '../errors.ts';
import type { Grant } from './grant.ts';
import { JwtIssuer } from './jwt.ts';
import type { Rate } from './rate.ts';
import type { TokenCache } from './token-cache.ts';
import type { Env } from './env.ts';

/** How requests are authenticated. Without tokens, issuer and authorizer, everybody may do everything. */
export interface Authentication {
  readonly tokens: TokenCache | null;
  /** The issuer whose tokens are accepted besides. */
  readonly jwt: JwtIssuer | null;
  /** Gives what an authorizer in front of the server has granted; then it alone counts. */
  readonly authorizer: ((c: Context<Env>) => Grant | null) | null;
}

export interface AccessNeeds extends Authentication {
  /** Null: no limit. */
  readonly rate: Rate | null;
  /** The client of a request that needs no token; null where it is not known. */
  readonly addressOf: (c: Context<Env>) => string | null;
}

/** Whether clients have to authenticate. */
export function needsTokens({ tokens, jwt, authorizer }: Authentication): boolean {
  return tokens !== null || jwt !== null || authorizer !== null;
}

/**
 * Lets a request pass whose route is public, or that comes with a token of the route's scope, and enforces the rate limit.
 * A path without a declared route needs `admin`.
 * @param declared the scopes of all routes, as `scopesOf` gives them; read with the first request
 */
export function access(needs: AccessNeeds, declared: () => ReadonlyMap<string, Scope | 'public'>) {
  let scopes: ReadonlyMap<string, Scope | 'public'> | null = null;
  return createMiddleware<Env>(async (c, next) => {
    scopes ??= declared();
    const needed = scopeFor(c, scopes);
    if (needed === 'public' || !needsTokens(needs)) {
      if (!isProbe(c.req.path)) takeByAddress(needs, c);
    } else {
      const grant = await grantOf(needs, c);
      needs.rate?.take(grant.key);
      requireScope(grant, needed);
      c.set('by', grant.by);
      c.set('scopes', grant.scopes);
    }
    await next();
  });
}

/** The scope of the route that the router has found for the request. */
function scopeFor(c: Context<Env>, scopes: ReadonlyMap<string, Scope | 'public'>): Scope | 'public' {
  for (const { method, path } of matchedRoutes(c)) {
    const scope = scopes.get(`${method} ${path}`);
    if (scope !== undefined) return scope;
  }
  return 'admin';
}

/** What asks whether the server is there must not be turned away. */
function isProbe(path: string): boolean {
  return path === '/healthz' || path === '/readyz';
}

function takeByAddress({ rate, addressOf }: AccessNeeds, c: Context<Env>): void {
  const address = rate === null ? null : addressOf(c);
  if (address !== null) rate?.take(`address ${address}`);
}

/** @throws RequestError (unauthorized; rate-limited when that happens often) */
async function grantOf(needs: AccessNeeds, c: Context<Env>): Promise<Grant> {
  try {
    return needs.authorizer === null
      ? await holderOf(needs, c.req.header('Authorization'))
      : admitted(needs.authorizer(c));
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) takeByAddress(needs, c);
    throw error;
  }
}

/** @throws RequestError (unauthorized) */
async function holderOf({ tokens, jwt }: Authentication, header: string | undefined): Promise<Grant> {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (given === undefined) {
    const made = tokens === null ? '' : ' "kindred tokens create" makes one.';
    throw unauthorized(`A token is needed: Authorization: Bearer TOKEN.${made}`, '');
  }
  if (jwt !== null && JwtIssuer.looksLikeOne(given)) return jwt.verify(given);
  const token = await tokens?.find(given);
  if (!token) throw unauthorized('The token is not known, or holds no more.', ' error="invalid_token"');
  return { key: `token ${token.id}`, by: `token ${token.name}`, scopes: token.scopes };
}

/** @throws RequestError (unauthorized) */
function admitted(grant: Grant | null): Grant {
  if (grant !== null) return grant;
  throw unauthorized('No authorizer has looked at the request, without which nobody is let in here.', '');
}

/** @throws RequestError (forbidden) */
function requireScope({ by, scopes }: Grant, needed: Scope): void {
  if (scopes.includes(needed) || scopes.includes('admin')) return;
  throw new RequestError(
    403,
    'forbidden',
    `This needs the scope "${needed}"; ${JSON.stringify(by)} has ${scopes.join(', ') || 'none'}.`,
    { headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${needed}"` } },
  );
}

function unauthorized(message: string, more: string): RequestError {
  const headers = { 'WWW-Authenticate': `Bearer realm="kindred"${more === '' ? '' : `,${more}`}` };
  return new RequestError(401, 'unauthorized', message, { headers });
}
