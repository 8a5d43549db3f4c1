/** Who may do what, and how often: bearer tokens with scopes (RFC 6750), Kindred's own or an issuer's. */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { listTokens, tokenHolds, tokenId } from '../../core/registry/tokens.ts';
import type { Scope, StoredToken } from '../../core/registry/tokens.ts';
import type { TokenStore } from '../../core/registry/token-store.ts';
import type { Deps } from '../deps.ts';
import { RequestError } from '../errors.ts';
import type { Grant } from './grant.ts';
import { JwtIssuer } from './jwt.ts';
import type { Env } from './env.ts';

const LOOK_MS = 5000;
/** For a token that is not known yet: it may just have been made. */
const LOOK_FOR_NEW_MS = 500;
/** So long who was known stays known while their store does not answer; then nobody can be let in. */
const KEEP_MS = 10 * 60_000;

/** Kindred's own tokens, looked at now and then: what was revoked holds for a few seconds more. */
export class Tokens {
  readonly #store: TokenStore;
  readonly #onTrouble: (error: unknown) => void;
  readonly #now: () => number;
  #known = new Map<string, StoredToken>();
  #lookedAt = -Infinity;
  #readAt = -Infinity;
  /** Why the last look saw nothing; null: it did. */
  #failure: { readonly error: unknown } | null = null;
  #looking: Promise<void> | null = null;

  /** @param now milliseconds, of a clock that is never set back */
  constructor(store: TokenStore, onTrouble: (error: unknown) => void, now = () => performance.now()) {
    this.#store = store;
    this.#onTrouble = onTrouble;
    this.#now = now;
  }

  /** Looks now: whether there is any. @throws StorageError when that cannot be told */
  async any(): Promise<boolean> {
    await this.#look();
    this.#requireKnowledge();
    return this.#known.size > 0;
  }

  /** What is kept of the token, or null when it does not hold. @throws StorageError when that cannot be told */
  async find(token: string): Promise<StoredToken | null> {
    const id = tokenId(token);
    if (id === null) return null;
    const age = this.#now() - this.#lookedAt;
    // A store that does not answer is not asked more often for what may be guesses.
    const looksForNew = !this.#known.has(id) && this.#failure === null;
    if (age > (looksForNew ? LOOK_FOR_NEW_MS : LOOK_MS)) {
      const hasBegun = this.#looking !== null;
      await this.#look();
      // One that had begun before may have missed what was made meanwhile.
      if (hasBegun && !this.#known.has(id)) await this.#look();
    }
    this.#requireKnowledge();
    const stored = this.#known.get(id);
    return stored !== undefined && tokenHolds(token, stored) ? stored : null;
  }

  async #look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => (this.#looking = null));
    await this.#looking;
  }

  async #read(): Promise<void> {
    try {
      const tokens = await listTokens(this.#store, this.#onTrouble);
      this.#known = new Map(tokens.map((token) => [token.id, token]));
      this.#failure = null;
      this.#readAt = this.#now();
    } catch (error) {
      this.#failure = { error };
      this.#onTrouble(error);
    }
    this.#lookedAt = this.#now();
  }

  #requireKnowledge(): void {
    if (this.#failure !== null && this.#now() - this.#readAt > KEEP_MS) throw this.#failure.error;
  }
}

/** Whether anybody has to say who they are. */
export function needsTokens({
  tokens,
  jwt,
  authorizer,
}: Pick<Deps, 'tokens' | 'jwt' | 'authorizer'>): boolean {
  return tokens !== null || jwt !== null || authorizer !== null;
}

/**
 * Lets a request pass whose route is public, or that comes with a token of the route's scope, and enforces the rate limit.
 * A path without a declared route needs `admin`.
 * @param declared the scopes of all routes, as `scopesOf` gives them; read with the first request
 */
export function access(deps: Deps, declared: () => ReadonlyMap<string, Scope | 'public'>) {
  let scopes: ReadonlyMap<string, Scope | 'public'> | null = null;
  return createMiddleware<Env>(async (c, next) => {
    scopes ??= declared();
    const needed = scopeFor(c, scopes);
    if (needed === 'public' || !needsTokens(deps)) {
      if (!isProbe(c.req.path)) takeByAddress(deps, c);
    } else {
      const grant = await grantOf(deps, c);
      deps.rate?.take(grant.key);
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

function takeByAddress({ rate, addressOf }: Deps, c: Context<Env>): void {
  const address = rate === null ? null : addressOf(c);
  if (address !== null) rate?.take(`address ${address}`);
}

/** @throws RequestError (unauthorized; rate-limited when that happens often) */
async function grantOf(deps: Deps, c: Context<Env>): Promise<Grant> {
  try {
    return deps.authorizer === null
      ? await holderOf(deps, c.req.header('Authorization'))
      : admitted(deps.authorizer(c));
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) takeByAddress(deps, c);
    throw error;
  }
}

/** @throws RequestError (unauthorized) */
async function holderOf({ tokens, jwt }: Deps, header: string | undefined): Promise<Grant> {
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
