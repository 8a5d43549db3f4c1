import { compactGallery } from '../../core/registry/compaction.ts';
import type { ObjectStore } from '../../core/storage/store.ts';
import type { LogEntry } from '../log.ts';
import type { VersionName } from '../versions/warm-version.ts';

/** Changes of a gallery after which it is looked at whether they should be compacted. */
const CHANGES = 32;

/** Puts many changes of a gallery together, when many have been made. */
export class Compactor {
  readonly #store: ObjectStore;
  readonly #log: (entry: LogEntry) => void;
  readonly #changes = new Map<string, number>();

  constructor(store: ObjectStore, log: (entry: LogEntry) => void) {
    this.#store = store;
    this.#log = log;
  }

  /** Counts a change. @returns whether it is time to compact */
  isTime({ model, version }: VersionName): boolean {
    const name = `${model}@${version}`;
    const changes = (this.#changes.get(name) ?? 0) + 1;
    this.#changes.set(name, changes % CHANGES);
    return changes === CHANGES;
  }

  async compact(version: VersionName): Promise<void> {
    const { compacted, removed } = await compactGallery(this.#store, version);
    if (compacted + removed === 0) return;
    this.#log({ level: 'info', event: 'compaction', ...version, compacted, removed });
  }
}
