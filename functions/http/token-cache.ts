import { listTokens, tokenHolds, tokenId } from '../../core/registry/tokens.ts';
import type { StoredToken } from '../../core/registry/tokens.ts';
import type { TokenStore } from '../../core/registry/token-store.ts';

const LOOK_MS = 5000;
/** For a token that is not known yet: it may just have been made. */
const LOOK_FOR_NEW_MS = 500;
/** So long who was known stays known while their store does not answer; then nobody can be let in. */
const KEEP_MS = 10 * 60_000;

/** Kindred's own tokens, read again now and then: a revoked token stays valid for a few seconds. */
export class TokenCache {
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
