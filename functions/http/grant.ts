import type { Scope } from '../../core/registry/tokens.ts';

/** What a token allows, wherever it comes from. */
export interface Grant {
  /** Tells one holder from another. */
  readonly key: string;
  /** The same for histories and people. */
  readonly by: string;
  readonly scopes: readonly Scope[];
}
