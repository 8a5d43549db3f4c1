/** Tokens of somebody else: JSON Web Tokens (RFC 7519, 8725) of one OpenID Connect issuer, checked with the keys that it publishes. */
import type * as Jose from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { InvalidInputError } from '../../core/errors.ts';
import { SCOPES } from '../../core/registry/tokens.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import { RequestError } from '../errors.ts';
import { fetchDocument } from './fetch-document.ts';
import type { Grant } from './grant.ts';

export interface JwtOptions {
  /** What `iss` has to be, letter for letter. */
  readonly issuer: string;
  /** What `aud` has to be or hold. */
  readonly audience: string;
  /** Where its keys are. @default what its discovery document says (OpenID Connect Discovery 1.0) */
  readonly keys?: string | null;
  /** What the names of scopes begin with there. @default '' */
  readonly scopePrefix?: string;
  /** Milliseconds before keys are fetched again for a token whose key is not known. @default 30 000 */
  readonly cooldownMs?: number;
  /** Milliseconds that the issuer may take. @default 5000 */
  readonly patienceMs?: number;
}

/** Signatures with a pair of keys: what checks them could not have made them. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Seconds that the clocks may differ. */
const CLOCK_TOLERANCE = 10;
/** After a failure the issuer is left alone for so long. */
const REST_MS = 1000;
const LONGEST_NAME = 100;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

export class JwtIssuer {
  readonly #options: Required<JwtOptions>;
  /** Loaded with the first token, so that a server that takes none starts sooner. */
  #jose: Promise<typeof Jose> | null = null;
  #keys: JWTVerifyGetKey | null = null;
  #failure: { readonly error: Error; readonly at: number } | null = null;

  /** @throws InvalidInputError for addresses that others could answer in the issuer's place */
  constructor(options: JwtOptions) {
    this.#options = { keys: null, scopePrefix: '', cooldownMs: 30_000, patienceMs: 5000, ...options };
    checkAddress(options.issuer, 'The issuer');
    if (options.keys) checkAddress(options.keys, "The address of the issuer's keys");
  }

  /** Whether a bearer token can be one of these at all. */
  static looksLikeOne(token: string): boolean {
    return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
  }

  /** @throws RequestError (unauthorized) saying what is wrong with it, or (issuer) when the issuer does not answer */
  async verify(token: string): Promise<Grant> {
    const { issuer, audience } = this.#options;
    const { jwtVerify } = await this.#library();
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#keyFor(header, jws), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_TOLERANCE,
      });
      return this.#grant(payload);
    } catch (error) {
      if (error instanceof RequestError) throw error;
      const { errors } = await this.#library();
      throw new RequestError(401, 'unauthorized', `The token does not hold: ${reason(error, errors)}.`, {
        headers: { 'WWW-Authenticate': 'Bearer realm="kindred", error="invalid_token"' },
      });
    }
  }

  #library(): Promise<typeof Jose> {
    return (this.#jose ??= import('jose'));
  }

  #grant(payload: JWTPayload): Grant {
    const { sub, client_id: client, azp } = payload;
    const name = [sub, client, azp].find((one) => typeof one === 'string') ?? 'unnamed';
    const shown = name.replaceAll(/\p{Cc}/gu, ' ').slice(0, LONGEST_NAME);
    return { key: `jwt ${name}`, by: `jwt ${shown}`, scopes: this.#scopesOf(payload) };
  }

  /** A text of names (RFC 8693) or a list of them. */
  #scopesOf({ scope, scp }: JWTPayload): Scope[] {
    const { scopePrefix } = this.#options;
    const given = new Set<unknown>(
      [scope, scp].flatMap((claim) =>
        typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [],
      ),
    );
    return SCOPES.filter((name) => given.has(scopePrefix + name));
  }

  async #keyFor(...asked: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    if (this.#failure !== null && performance.now() - this.#failure.at < REST_MS) throw this.#failure.error;
    try {
      const keys = (this.#keys ??= await this.#open());
      const key = await keys(...asked);
      this.#failure = null;
      return key;
    } catch (error) {
      if (isTokensFault(error, (await this.#library()).errors)) throw error;
      const failure = unreachable(this.#options.issuer, error);
      this.#failure = { error: failure, at: performance.now() };
      throw failure;
    }
  }

  async #open(): Promise<JWTVerifyGetKey> {
    const { keys, cooldownMs: cooldownDuration, patienceMs: timeoutDuration } = this.#options;
    const address = keys ?? (await this.#discovered());
    const { createRemoteJWKSet, customFetch } = await this.#library();
    return createRemoteJWKSet(new URL(address), {
      cooldownDuration,
      timeoutDuration,
      [customFetch]: fetchDocument,
    });
  }

  async #discovered(): Promise<string> {
    const { issuer, patienceMs } = this.#options;
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetchDocument(address, { signal: AbortSignal.timeout(patienceMs) });
    const document = discoverySchema.parse(await response.json());
    if (document.issuer !== issuer) {
      throw new Error(`${address} is of the issuer ${JSON.stringify(document.issuer)}`);
    }
    checkAddress(document.jwks_uri, "The address of the issuer's keys");
    // An issuer elsewhere should not have this machine asked.
    if (issuer.startsWith('https:') && !document.jwks_uri.startsWith('https:')) {
      throw new Error(
        `${address} says that its keys are at ${JSON.stringify(document.jwks_uri)}, which is not https`,
      );
    }
    return document.jwks_uri;
  }
}

function checkAddress(address: string, what: string): void {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isHere = url !== null && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return;
  throw new InvalidInputError(
    `${what} is ${JSON.stringify(address)}; give an https address, or an http one of this machine.`,
  );
}

/** No key fits, rather than: there is no telling which keys there are. */
function isTokensFault(error: unknown, errors: typeof Jose.errors): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function unreachable(issuer: string, cause: unknown): RequestError {
  return new RequestError(
    503,
    'issuer',
    `The keys of ${issuer} cannot be had, without which no token can be checked. Try again in a moment.`,
    { headers: { 'Retry-After': '5' }, cause },
  );
}

/** In words that tell nothing of the token but what is wrong. */
function reason(error: unknown, errors: typeof Jose.errors): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim "${error.claim}" is not right`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it is signed in a way that is not taken';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is not right';
  if (isTokensFault(error, errors)) return 'none of the keys of the issuer fits it';
  return 'it is no token of the issuer';
}
