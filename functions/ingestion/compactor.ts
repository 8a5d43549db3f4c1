import { compactModel } from '../../core/ingest/compact.ts';
import type { VersionName } from '../../core/ingest/followers.ts';
import type { KnownGalleries } from '../../core/ingest/known-galleries.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { LogEntry } from '../log.ts';

/** Changes of a gallery after which it is worth looking whether there is enough to compact. */
const CHANGES = 32;

/** Compacts galleries when many changes have been made. */
export class Compactor {
  readonly #registry: Registry;
  readonly #galleries: KnownGalleries;
  readonly #log: (entry: LogEntry) => void;
  readonly #changes = new Map<string, number>();

  constructor(registry: Registry, galleries: KnownGalleries, log: (entry: LogEntry) => void) {
    this.#registry = registry;
    this.#galleries = galleries;
    this.#log = log;
  }

  /** Counts a change. @returns whether it is time to compact */
  isTime(model: string): boolean {
    const changes = (this.#changes.get(model) ?? 0) + 1;
    this.#changes.set(model, changes % CHANGES);
    return changes === CHANGES;
  }

  async compact({ model, version }: VersionName): Promise<void> {
    const { compacted, removed } = await compactModel(this.#registry, { model, version }, this.#galleries);
    if (compacted + removed > 0) this.#log({ level: 'info', event: 'compaction', model, compacted, removed });
  }
}
