/** What came to a data set past this server, was replaced or went, found by comparing one listing with the one before. */
import { CancelledError } from '../../core/errors.ts';
import { isPicturePath } from '../../core/ingest/ingest.ts';
import type { Registry } from '../../core/registry/registry.ts';

/** What a listing showed. */
export interface Look {
  /** `<class>/<file>` of pictures that are new or are others by now; no more than were asked for, the rest is found by the next look. */
  readonly changed: readonly string[];
  /** Whether something is not there any more as it was. */
  readonly lost: boolean;
  /** Lets the next look compare with this one; until then it compares with the one before. */
  keep(): void;
}

export class DataSetWatch {
  readonly #registry: Registry;
  readonly #dataSet: string;
  /** A number for each picture and its content: of a million of them the names would take too much memory. Null before the first look. */
  #states: ReadonlySet<number> | null = null;

  constructor(registry: Registry, dataSet: string) {
    this.#registry = registry;
    this.#dataSet = dataSet;
  }

  /** Lists the data set. The first look only notes what is there. */
  async look(most: number, signal: AbortSignal): Promise<Look> {
    const before = this.#states;
    const prefix = this.#registry.dataSetPrefix(this.#dataSet);
    const states = new Set<number>();
    const changed: string[] = [];
    for await (const { key, state, problem } of this.#registry.store.list(prefix)) {
      if (signal.aborted) throw new CancelledError('Stopped while a data set was listed.');
      const path = key.slice(prefix.length);
      if (problem || !isPicturePath(path)) continue;
      const number = numberOf(`${path}\n${state ?? ''}`);
      const isKnown = before === null || before.has(number);
      if (!isKnown && changed.length >= most) continue;
      states.add(number);
      if (!isKnown) changed.push(path);
    }
    return {
      changed,
      lost: before !== null && !isWithin(before, states),
      keep: () => {
        this.#states = states;
      },
    };
  }
}

function isWithin(some: ReadonlySet<number>, all: ReadonlySet<number>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}

/** 52 bits that hardly two texts share (FNV-1a, twice, each half begun in another way). */
function numberOf(text: string): number {
  let [high, low] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ (unit + 0x9e37), 0x85ebca6b);
  }
  return ((high ^ (high >>> 15)) & 0xfffff) * 2 ** 32 + ((low ^ (low >>> 13)) >>> 0);
}
