/**
 * Galleries follow the datasets of the server's registry, beside the requests: what clients put through the server is ingested at once, and
 * everything else is found by listing. Nothing is noted before an image changes: what a server that is killed has not ingested differs from the
 * stored states of the last listing, and the next server finds it.
 */
import { embedPictures } from '../../core/embedding/embed-pictures.ts';
import { CancelledError } from '../../core/errors.ts';
import { inProduction } from '../../core/ingest/followers.ts';
import type { Follower, VersionName } from '../../core/ingest/followers.ts';
import { ingest } from '../../core/ingest/ingest.ts';
import type { KnownGalleries } from '../../core/ingest/known-galleries.ts';
import type { Ingested, ReconcileOptions } from '../../core/ingest/reconcile.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { LogEntry } from '../log.ts';
import type { WarmVersions } from '../versions/warm-versions.ts';
import { Compactor } from './compactor.ts';
import { Expected } from './expected.ts';
import { FollowedDataset } from './followed-dataset.ts';
import { IngestQueue } from './queue.ts';

export interface ReconcilerOptions {
  readonly registry: Registry;
  readonly versions: WarmVersions;
  readonly galleries: KnownGalleries;
  readonly log: (entry: LogEntry) => void;
  readonly trouble: (error: unknown) => void;
  readonly onIngested: (done: readonly Ingested[]) => void;
  readonly onFailed: (images: number) => void;
  /** Images that wait in memory at most; listings find the others. @default 1000 */
  readonly most?: number;
  /** Milliseconds for which it is remembered which versions are in production. @default 2000 */
  readonly lookMs?: number;
  /** Milliseconds between two listings of a dataset; 0: it is compared at the start, and when an alias moves. @default 5000 */
  readonly followMs?: number;
}

/** Images that are ingested in one change. */
const BLOCK = 32;
const HOUR_MS = 60 * 60_000;
/** Aliases are looked at more rarely while nothing is put. */
const IDLE_LOOKS = 5;

export class Reconciler {
  readonly #options: Required<ReconcilerOptions>;
  readonly #queue: IngestQueue;
  readonly #expected: Expected;
  readonly #compactor: Compactor;
  readonly #ending = new AbortController();
  readonly #followed = new Map<string, FollowedDataset>();
  #production: { readonly at: number; readonly followers: readonly Follower[] } | null = null;
  /** One thing after another. */
  #working: Promise<void> = Promise.resolve();
  #isFollowing = false;
  #timer: NodeJS.Timeout | undefined;
  #compactedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReconcilerOptions) {
    this.#options = { most: 1000, lookMs: 2000, followMs: 5000, ...options };
    const { registry, galleries, log, trouble } = this.#options;
    this.#queue = new IngestQueue(this.#options.most);
    this.#expected = new Expected(registry.store, { trouble, onArrival: (key) => this.#put(key) });
    this.#compactor = new Compactor(registry, galleries, log);
  }

  /** Images that wait to be ingested. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Compares the datasets with the galleries now and then, from the moment after the first requests. */
  start(): void {
    const { lookMs, followMs } = this.#options;
    const everyMs = Math.min(lookMs * IDLE_LOOKS, followMs === 0 ? Number.POSITIVE_INFINITY : followMs);
    this.#timer = setTimeout(() => {
      this.#follow();
      this.#timer = setInterval(() => this.#follow(), everyMs).unref();
    }, lookMs).unref();
  }

  /** Ends with what is being ingested. */
  async close(): Promise<void> {
    this.#ending.abort();
    clearInterval(this.#timer);
    this.#expected.close();
    await this.#working;
  }

  /**
   * Changes an image of a dataset, and has the galleries that follow it ingest that in a moment.
   * @returns what `change` gives, and the models of these galleries
   */
  async changing<T>(key: string, change: () => Promise<T>): Promise<{ result: T; models: string[] }> {
    const models = await this.#modelsOf(key);
    try {
      return { result: await change(), models };
    } finally {
      // Also when it failed: it may have happened all the same.
      if (models.length > 0) this.#put(key);
    }
  }

  /** A client was given an address that the image can be put to past this server. */
  async expect(key: string, seconds: number): Promise<string[]> {
    const models = await this.#modelsOf(key);
    if (models.length > 0) await this.#expected.add(key, seconds);
    return models;
  }

  async #modelsOf(key: string): Promise<string[]> {
    const [, dataset = ''] = key.split('/');
    return (await this.#followersOf(dataset)).map(({ model }) => model);
  }

  async #followersOf(dataset: string): Promise<readonly VersionName[]> {
    return (await this.#inProduction()).filter((follower) => follower.dataset === dataset);
  }

  async #inProduction(): Promise<readonly Follower[]> {
    const { registry, trouble, lookMs } = this.#options;
    const known = this.#production;
    if (known !== null && performance.now() - known.at < lookMs) return known.followers;
    const at = performance.now();
    const followers = await inProduction(registry, trouble);
    this.#production = { at, followers };
    return followers;
  }

  get #ways(): Required<ReconcileOptions> {
    const { versions, galleries } = this.#options;
    return {
      galleries,
      embed: (version, images) => versions.ask(version, ({ embedder }) => embedPictures(embedder, images)),
    };
  }

  #put(key: string): void {
    if (this.#queue.put(key)) this.#later(() => this.#ingestSome());
    // The next listing finds it.
    else for (const dataset of this.#followed.values()) dataset.expedite();
  }

  /** Does it when what was begun before has ended. */
  #later(work: () => Promise<void>): void {
    this.#working = this.#after(this.#working, work);
  }

  async #after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    await before;
    if (this.#ending.signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CancelledError)) this.#options.trouble(error);
    }
  }

  async #ingestSome(): Promise<void> {
    const { registry, trouble, onFailed } = this.#options;
    const block = this.#queue.take(BLOCK);
    if (block.length === 0) return;
    try {
      const keys = block.map(({ key }) => key);
      const followers = async (dataset: string) => this.#followersOf(dataset);
      await this.#tell(await ingest(registry, keys, { ...this.#ways, followers }));
    } catch (error) {
      trouble(error);
      const given = this.#queue.putBack(block);
      // They still differ from the listing.
      if (given.length > 0) onFailed(given.length);
    }
    const wait = this.#queue.waitMs();
    if (wait !== null) setTimeout(() => this.#later(() => this.#ingestSome()), wait).unref();
  }

  /** Once the versions that are in memory answer by it. */
  async #tell(done: readonly Ingested[]): Promise<void> {
    const { log, onIngested, versions, galleries, trouble } = this.#options;
    const changed = done.filter(({ outcome }) => outcome !== 'unchanged');
    for (const name of new Map(changed.map((one) => [`${one.model}@${one.version}`, one])).values()) {
      await versions.refreshGallery(name, galleries.log(name)).catch(trouble);
    }
    onIngested(done);
    for (const { key, model, version, outcome, reason } of done) {
      if (outcome === 'unchanged') continue;
      log({ level: 'info', event: 'ingest', key, model, version, outcome, reason });
      if (this.#compactor.isTime(model)) this.#later(() => this.#compactor.compact({ model, version }));
    }
  }

  /** One at a time: comparing a large dataset may take longer than until the next one. */
  #follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    this.#later(async () => {
      try {
        await this.#lookAtAll();
      } finally {
        this.#isFollowing = false;
      }
      if ([...this.#followed.values()].some(({ isDue }) => isDue)) this.#follow();
    });
  }

  async #lookAtAll(): Promise<void> {
    const { registry, trouble, followMs } = this.#options;
    const followers = await this.#inProduction();
    const models = new Set(followers.map(({ model }) => model));
    for (const model of this.#followed.keys()) if (!models.has(model)) this.#followed.delete(model);
    for (const { model, version, dataset } of followers) {
      const known = this.#followed.get(model)?.following;
      if (known?.version === version && known.dataset === dataset) continue;
      this.#followed.delete(model);
      if (dataset === null) continue;
      const options = { registry, trouble, followMs, signal: this.#ending.signal, ...this.#ways };
      this.#followed.set(model, new FollowedDataset({ model, version, dataset }, options));
    }
    for (const followed of this.#followed.values()) {
      // A dataset that fails keeps no other one waiting.
      if (followed.isDue) await this.#unlessEnding(async () => await this.#tell(await followed.look()));
    }
    if (performance.now() - this.#compactedAt < HOUR_MS) return;
    this.#compactedAt = performance.now();
    for (const follower of followers) await this.#unlessEnding(() => this.#compactor.compact(follower));
  }

  async #unlessEnding(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      this.#options.trouble(error);
    }
  }
}
