import { CancelledError } from '../../core/errors.ts';
import { reconcile } from '../../core/ingest/reconcile.ts';
import type { Following, Ingested, ReconcileOptions } from '../../core/ingest/reconcile.ts';
import { SYNC_BLOCK } from '../../core/ingest/sync.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { unlessDamaged } from '../../core/registry/unless-damaged.ts';
import { compareListing } from './listing.ts';
import type { States } from './listing.ts';
import { readStates, writeStates } from './states.ts';

export interface FollowedOptions extends Required<ReconcileOptions> {
  readonly registry: Registry;
  readonly trouble: (error: unknown) => void;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks; 0: only until everything was compared once. */
  readonly followMs: number;
}

/** Images that are read in one look, so that a large dataset leaves room for what clients put. */
const MOST = 256;
/** What listing takes of the time at most: large datasets are listed more rarely. */
const SHARE = 1 / 50;
/** After failures, each wait is twice the one before. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5 * 60_000;

interface Looked {
  readonly changes: Ingested[];
  /** Whether there is more to reconcile. */
  readonly isMore: boolean;
  /** Whether something could not be reconciled. */
  readonly failed: boolean;
  readonly listedMs: number;
}

/**
 * The dataset that a version in production follows, listed now and then. A version that this registry's servers have not followed before is
 * compared by content, each image read once; from then on a listing shows what came, changed or went.
 */
export class FollowedDataset {
  readonly following: Following;
  readonly #options: FollowedOptions;
  #known: States | null = null;
  #failures = 0;
  #nextAt = 0;

  constructor(following: Following, options: FollowedOptions) {
    this.following = following;
    this.#options = options;
  }

  get isDue(): boolean {
    return performance.now() >= this.#nextAt;
  }

  /** The next look comes as soon as it can. */
  expedite(): void {
    this.#nextAt = 0;
  }

  /** Reconciles what differs. @returns what changed in the gallery @throws CancelledError; an error that stops all of it */
  async look(): Promise<Ingested[]> {
    try {
      const { changes, isMore, failed, listedMs } = await this.#look();
      this.#failures = failed ? this.#failures + 1 : 0;
      this.#nextAt = performance.now() + (isMore && !failed ? 0 : Math.max(this.#waitMs(), listedMs / SHARE));
      return changes;
    } catch (error) {
      this.#failures++;
      this.#nextAt = performance.now() + this.#waitMs();
      throw error;
    }
  }

  #waitMs(): number {
    const { followMs } = this.#options;
    if (this.#failures > 0) return Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    return followMs === 0 ? Number.POSITIVE_INFINITY : followMs;
  }

  async #look(): Promise<Looked> {
    const { registry, galleries, signal, trouble } = this.#options;
    const { dataset } = this.following;
    const known =
      this.#known ??
      (await unlessDamaged(() => readStates(registry.store, this.following), trouble)) ??
      new Set<number>();
    const { contents } = await galleries.now(this.following);
    const byName = this.#known === null;
    const began = performance.now();
    const options = { dataset, contents, known, byName, most: MOST, signal };
    const { paths, isMore, states } = await compareListing(registry, options);
    const listedMs = performance.now() - began;
    const { done, ingested } = await this.#reconcile(paths);
    this.#known = states((path) => done.has(path));
    if (paths.length > 0) await writeStates(registry.store, this.following, this.#known).catch(trouble);
    const changes = ingested.filter(({ outcome }) => outcome !== 'unchanged');
    return { changes, isMore, failed: done.size < paths.length, listedMs };
  }

  async #reconcile(paths: readonly string[]): Promise<{ done: Set<string>; ingested: Ingested[] }> {
    const { registry, signal, trouble } = this.#options;
    const done = new Set<string>();
    const ingested: Ingested[] = [];
    const work = async (some: readonly string[]): Promise<void> => {
      if (signal.aborted) throw new CancelledError('Stopped while a dataset was compared.');
      ingested.push(...(await reconcile(registry, this.following, some, this.#options)));
      for (const path of some) done.add(path);
    };
    for (let at = 0; at < paths.length; at += SYNC_BLOCK) {
      const block = paths.slice(at, at + SYNC_BLOCK);
      try {
        await work(block);
      } catch (error) {
        if (signal.aborted) throw error;
        const before = done.size;
        // One image keeps no other one from it.
        for (const path of block) await work([path]).catch((own: unknown) => signal.aborted || trouble(own));
        if (done.size === before) throw error;
      }
    }
    return { done, ingested };
  }
}
