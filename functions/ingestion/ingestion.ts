/**
 * Galleries follow the data sets of this server's registry, beside the requests. What is about to change is noted in the store before it
 * does, so that a queue which is lost with the process is found again by the next one; what changed in other ways is found by comparing.
 */
import { embedPictures } from '../../core/embedding/embed-pictures.ts';
import { followersOf, inProduction } from '../../core/ingest/followers.ts';
import { ingest } from '../../core/ingest/ingest.ts';
import type { Ingested, IngestOptions } from '../../core/ingest/ingest.ts';
import { clearIntent, listIntents, noteIntent } from '../../core/ingest/intents.ts';
import type { GalleryLog } from '../../core/gallery/carry-over.ts';
import { readGalleryLog } from '../../core/registry/gallery-log.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { CancelledError } from '../../core/errors.ts';
import type { LogEntry } from '../log.ts';
import type { VersionName } from '../versions/warm-version.ts';
import type { WarmVersions } from '../versions/warm-versions.ts';
import { Compactor } from './compactor.ts';
import { compareWhole } from './comparing.ts';
import { Expected } from './expected.ts';
import { Following } from './following.ts';
import { IntentQueue } from './queue.ts';
import type { Waiting } from './queue.ts';

export interface IngestionOptions {
  readonly registry: Registry;
  readonly versions: WarmVersions;
  readonly log: (entry: LogEntry) => void;
  readonly trouble: (error: unknown) => void;
  readonly onIngested: (done: readonly Ingested[]) => void;
  readonly onFailed: (pictures: number) => void;
  /** Pictures that wait in memory at most; the notes of others stay in the store until there is room. @default 1000 */
  readonly most?: number;
  /** Milliseconds until it is asked again which versions are in production. @default 2000 */
  readonly lookMs?: number;
  /** Milliseconds between two looks for what came to data sets past this server; 0: never. @default 5000 */
  readonly followMs?: number;
}

/** Pictures that are taken up in one segment. */
const BLOCK = 32;
const HOUR_MS = 60 * 60_000;
/** A look at production where nothing is asked for is not worth a request every two seconds. */
const IDLE_LOOKS = 5;

export class Ingestion {
  readonly #options: Required<IngestionOptions>;
  readonly #queue: IntentQueue;
  readonly #expected: Expected;
  readonly #following: Following;
  readonly #ending = new AbortController();
  readonly #followers = new Map<string, { readonly at: number; readonly versions: readonly VersionName[] }>();
  /** What each model had in production at the last look. */
  #production: ReadonlyMap<string, number> | null = null;
  readonly #compactor: Compactor;
  /** One thing after another. */
  #working: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #compactedAt = 0;

  constructor(options: IngestionOptions) {
    this.#options = { most: 1000, lookMs: 2000, followMs: 5000, ...options };
    this.#queue = new IntentQueue(this.#options.most);
    this.#expected = new Expected(options.registry.store, {
      trouble: options.trouble,
      onArrival: (key) => void this.changing(key, () => Promise.resolve()).catch(options.trouble),
    });
    const { registry, followMs, most, log } = this.#options;
    this.#compactor = new Compactor(registry.store, log);
    this.#following = new Following({
      registry,
      followMs,
      signal: this.#ending.signal,
      followers: (dataSet) => this.#followersOf(dataSet),
      log: (version) => this.#log(version),
      // Half of the queue is for those who tell.
      room: () => Math.floor(most / 2) - this.#queue.size,
      found: (key) => this.#queue.put(key),
    });
  }

  /** Pictures that wait to be taken up. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes up what an earlier process has left, and looks from now on where aliases move. */
  start(): void {
    this.#queue.overflowed = true;
    const { lookMs } = this.#options;
    let isLooking = false;
    // One at a time: comparing a large data set may take longer than until the next one.
    const look = (): void => {
      if (isLooking) return;
      isLooking = true;
      this.#later(() => this.#look().finally(() => (isLooking = false)));
    };
    // The first requests come first.
    this.#timer = setTimeout(() => {
      this.#work();
      look();
      this.#timer = setInterval(look, lookMs * IDLE_LOOKS).unref();
      this.#following.start((following) => this.#later(() => following().finally(() => this.#work())));
    }, lookMs).unref();
  }

  /** Ends with what is being taken up; the notes of the rest stay. */
  async close(): Promise<void> {
    this.#ending.abort();
    clearInterval(this.#timer);
    this.#following.close();
    this.#expected.close();
    await this.#working;
  }

  /**
   * Changes a picture of a data set, and has the galleries that follow it take that up in a moment.
   * @returns what `change` gives, and the models of these galleries
   */
  async changing<T>(key: string, change: () => Promise<T>): Promise<{ result: T; models: string[] }> {
    const [, dataSet = ''] = key.split('/');
    const models = (await this.#followersOf(dataSet)).map(({ model }) => model);
    // An alias that moves just now to a version which follows it is found by the next look.
    if (models.length === 0) return { result: await change(), models };
    const intent = await noteIntent(this.#options.registry.store, key);
    try {
      return { result: await change(), models };
    } finally {
      // Also when it failed: it may have happened all the same.
      this.#queue.add(intent);
      this.#work();
    }
  }

  /** A picture will be put there past this server, by somebody who was given an address. */
  async expect(key: string, seconds: number): Promise<string[]> {
    const [, dataSet = ''] = key.split('/');
    const models = (await this.#followersOf(dataSet)).map(({ model }) => model);
    if (models.length > 0) await this.#expected.add(key, seconds);
    return models;
  }

  async #followersOf(dataSet: string): Promise<readonly VersionName[]> {
    const known = this.#followers.get(dataSet);
    if (known !== undefined && performance.now() - known.at < this.#options.lookMs) return known.versions;
    const { registry, trouble } = this.#options;
    const versions = await followersOf(registry, dataSet, trouble);
    this.#followers.delete(dataSet);
    this.#followers.set(dataSet, { at: performance.now(), versions });
    const [oldest] = this.#followers.keys();
    if (this.#followers.size > 100 && oldest !== undefined) this.#followers.delete(oldest);
    return versions;
  }

  #ingestOptions(): IngestOptions {
    const { versions } = this.#options;
    return {
      embed: (version, pictures) =>
        versions.ask(version, ({ embedder }) => embedPictures(embedder, pictures)),
      log: (version) => this.#log(version),
      followers: (dataSet) => this.#followersOf(dataSet),
    };
  }

  /** Versions that nobody asks are not loaded for a comparison that may find nothing. */
  async #log(version: VersionName): Promise<GalleryLog> {
    const { versions, registry } = this.#options;
    const isWarm = versions.warm.some(
      ({ name }) => name.model === version.model && name.version === version.version,
    );
    if (!isWarm) return readGalleryLog(registry, version);
    return versions.ask(version, async (warm) => {
      await warm.follow();
      return warm.log;
    });
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

  #work(): void {
    this.#later(() => this.#takeUp());
  }

  async #takeUp(): Promise<void> {
    const { registry, trouble, most } = this.#options;
    if (this.#queue.overflowed && this.#queue.size === 0) {
      this.#queue.overflowed = false;
      for (const intent of await listIntents(registry.store, most, trouble)) this.#queue.add(intent);
    }
    const block = this.#queue.take(BLOCK);
    if (block.length === 0) return;
    try {
      await this.#ingest(block.map(({ key }) => key));
      for (const id of block.flatMap(({ ids }) => ids)) await clearIntent(registry.store, id);
    } catch (error) {
      trouble(error);
      const given = this.#queue.putBack(block);
      if (given.length > 0) await this.#giveUp(given);
      const wait = this.#queue.waitMs();
      if (wait !== null) setTimeout(() => this.#work(), wait).unref();
      return;
    }
    this.#work();
  }

  /** What is given up is tried again with the hour, or by the next server: its note says what it is. */
  async #giveUp(given: readonly Waiting[]): Promise<void> {
    const { registry, trouble, onFailed } = this.#options;
    onFailed(given.length);
    for (const { key, ids } of given) {
      if (ids.length === 0) await noteIntent(registry.store, key).catch(trouble);
    }
  }

  async #ingest(keys: readonly string[]): Promise<void> {
    const done = await ingest(this.#options.registry, keys, this.#ingestOptions());
    this.#tell(done);
    for (const { model, version } of done.filter(({ outcome }) => outcome !== 'unchanged')) {
      if (this.#compactor.isTime({ model, version }))
        this.#later(() => this.#compactor.compact({ model, version }));
    }
  }

  #tell(done: readonly Ingested[]): void {
    this.#options.onIngested(done);
    for (const { key, model, version, outcome, reason } of done) {
      if (outcome === 'unchanged') continue;
      this.#options.log({ level: 'info', event: 'ingest', key, model, version, outcome, reason });
    }
  }

  /** Where an alias has moved, and at the start, the whole data set is compared with the gallery. */
  async #look(): Promise<void> {
    const { registry, trouble } = this.#options;
    const before = this.#production;
    const production = new Map<string, number>();
    for (const { model, version } of await inProduction(registry, trouble)) production.set(model, version);
    for (const [model, version] of production) {
      if (before?.get(model) === version) continue;
      // At the start, what others replaced under its name meanwhile is left to the command: it takes reading every picture.
      const compare = this.#compare({ model, version }, before === null ? 'names' : 'content');
      // What fails is looked at again with the next look, and keeps no other model waiting.
      if (!(await this.#went(compare))) production.delete(model);
    }
    this.#production = production;
    if (performance.now() - this.#compactedAt < HOUR_MS && before !== null) return;
    this.#compactedAt = performance.now();
    for (const [model, version] of production) await this.#went(this.#compactor.compact({ model, version }));
    // What was given up is tried again.
    this.#queue.overflowed = true;
    this.#work();
  }

  async #compare(version: VersionName, compare: 'names' | 'content'): Promise<void> {
    const { registry, log } = this.#options;
    const options = { ...this.#ingestOptions(), compare, signal: this.#ending.signal };
    const synced = await compareWhole(registry, version, this.#following, options);
    const changes = synced?.changes ?? [];
    this.#tell(changes);
    if (synced === null || changes.length === 0) return;
    log({ level: 'info', event: 'sync', ...version, dataSet: synced.dataSet, changes: changes.length });
  }

  /** Whether the work succeeded; what failed is told, the end of the server apart. */
  async #went(work: Promise<void>): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      this.#options.trouble(error);
      return false;
    }
  }
}
