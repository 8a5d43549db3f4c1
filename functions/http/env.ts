import type { Scope } from '../../core/registry/tokens.ts';

/** What middleware sets on a request's context. */
export interface Env {
  Variables: {
    requestId: string;
    /** The principal, for histories; "http" where no token is needed. */
    by: string;
    /** What the principal may do; undefined where no token is needed. */
    scopes?: readonly Scope[];
    /** Counts about the response, for the log. */
    noted?: Readonly<Record<string, number>>;
  };
}
