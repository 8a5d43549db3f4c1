import { SCOPES } from '../../core/registry/tokens.ts';
import type { Grant } from '../http/grant.ts';

export interface AuthorizerOptions {
  /** The claim that has the scopes. */
  readonly claim: string;
  /** What the names of scopes begin with there. */
  readonly prefix: string;
}

type Claims = Readonly<Record<string, unknown>>;

const LONGEST_NAME = 100;

/**
 * What the token allows that a JWT authorizer of API Gateway has checked, or null when none stood before this request. The event comes from
 * API Gateway alone, which puts there what the authorizer found; no field of the request's header can.
 */
export function grantOfAuthorizer(event: unknown, { claim, prefix }: AuthorizerOptions): Grant | null {
  const claims = claimsOf(event);
  if (claims === null) return null;
  const name = [claims['sub'], claims['client_id'], claims['azp']].find((one) => typeof one === 'string');
  const shown = (name ?? 'unnamed').replaceAll(/\p{Cc}/gu, ' ').slice(0, LONGEST_NAME);
  const given = wordsOf(claims[claim]);
  return {
    key: `jwt ${name ?? 'unnamed'}`,
    by: `jwt ${shown}`,
    scopes: SCOPES.filter((scope) => given.includes(prefix + scope)),
  };
}

function claimsOf(event: unknown): Claims | null {
  const { requestContext } = (event ?? {}) as {
    requestContext?: { authorizer?: { jwt?: { claims?: unknown } } };
  };
  const claims = requestContext?.authorizer?.jwt?.claims;
  return typeof claims === 'object' && claims !== null ? (claims as Claims) : null;
}

/** A text of words, or a list, which API Gateway writes as "[one two]". */
function wordsOf(claim: unknown): string[] {
  if (Array.isArray(claim)) return claim.filter((word) => typeof word === 'string');
  return typeof claim === 'string' ? claim.replace(/^\[(.*)\]$/s, '$1').split(/[\s,]+/) : [];
}
