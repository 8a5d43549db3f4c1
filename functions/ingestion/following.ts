/** Looks into data sets now and then for what came past this server, was replaced or went: by copies on the disk, or others in the bucket. */
import { gonePaths } from '../../core/ingest/sync.ts';
import type { IngestOptions } from '../../core/ingest/ingest.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { VersionName } from '../versions/warm-version.ts';
import { DataSetWatch } from './watch.ts';

export interface FollowingOptions {
  readonly registry: Registry;
  /** Milliseconds between two looks; 0: never. */
  readonly followMs: number;
  readonly signal: AbortSignal;
  /** The versions in production that were trained on a data set. */
  readonly followers: (dataSet: string) => Promise<readonly VersionName[]>;
  readonly log: NonNullable<IngestOptions['log']>;
  /** How many pictures may be found now. */
  readonly room: () => number;
  /** A picture to be taken up. @returns false when there is no room after all */
  readonly found: (key: string) => boolean;
}

/** What looking takes of the time at most: large data sets are looked into more rarely. */
const SHARE = 1 / 50;

export class Following {
  readonly #options: FollowingOptions;
  readonly #watches = new Map<string, DataSetWatch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  /** @param run does some work when it is its turn */
  start(run: (work: () => Promise<void>) => void, tookMs = 0): void {
    const { followMs, signal } = this.#options;
    if (followMs === 0 || signal.aborted) return;
    const look = async (): Promise<void> => {
      const began = performance.now();
      try {
        for (const [dataSet, watch] of this.#watches) await this.#look(dataSet, watch);
      } finally {
        this.start(run, performance.now() - began);
      }
    };
    this.#timer = setTimeout(() => run(look), Math.max(followMs, tookMs / SHARE)).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** From now on what comes to the data set is found. */
  async watch(dataSet: string): Promise<void> {
    const { registry, followMs, signal } = this.#options;
    if (followMs === 0 || this.#watches.has(dataSet)) return;
    const watch = new DataSetWatch(registry, dataSet);
    (await watch.look(0, signal)).keep();
    this.#watches.set(dataSet, watch);
  }

  async #look(dataSet: string, watch: DataSetWatch): Promise<void> {
    const { registry, signal, followers, log, room, found } = this.#options;
    const most = room();
    if (most <= 0) return;
    const versions = await followers(dataSet);
    if (versions.length === 0) return;
    const look = await watch.look(most, signal);
    const paths = new Set(look.changed);
    for (const version of look.lost ? versions : []) {
      for (const path of await gonePaths(registry, version, dataSet, { log })) paths.add(path);
    }
    const prefix = registry.dataSetPrefix(dataSet);
    if ([...paths].every((path) => found(prefix + path))) look.keep();
  }
}
