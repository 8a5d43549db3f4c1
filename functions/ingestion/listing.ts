/** What differs between two listings of a dataset, and between a listing and a gallery. */
import { CancelledError } from '../../core/errors.ts';
import type { GalleryContents } from '../../core/gallery/contents.ts';
import { listImages } from '../../core/ingest/dataset-paths.ts';
import type { Registry } from '../../core/registry/registry.ts';

/**
 * A number for each image of a listing and its content. Of a million images the names would take too much memory.
 */
export type States = ReadonlySet<number>;

export interface Difference {
  /** `<class>/<file>` of images that came, changed or went; no more than were asked for. */
  readonly paths: readonly string[];
  /** Whether there are more. */
  readonly isMore: boolean;
  /** The states of the images that do not differ, and of those of `paths` that `isDone` holds for. */
  readonly states: (isDone: (path: string) => boolean) => States;
}

export interface CompareOptions {
  readonly dataset: string;
  readonly contents: GalleryContents;
  /** What the gallery has recorded already. */
  readonly known: States;
  /** Whether an image that is known must be in the gallery: not after rejected ones were looked at. */
  readonly byName: boolean;
  /** Paths at most. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Lists the dataset and compares. An empty dataset differs in nothing: see `syncGallery`. @throws CancelledError */
export async function compareListing(
  registry: Registry,
  { dataset, contents, known, byName, most, signal }: CompareOptions,
): Promise<Difference> {
  const names = new Set<number>();
  const same = new Set<number>();
  const differing = new Map<string, number>();
  let isMore = false;
  for await (const { path, state } of listImages(registry, dataset)) {
    if (signal.aborted) throw new CancelledError('Stopped while a dataset was listed.');
    names.add(numberOf(path));
    const number = numberOf(`${path}\n${state ?? ''}`);
    if (known.has(number) && !(byName && contents.at(path) === null)) same.add(number);
    else if (differing.size < most) differing.set(path, number);
    else isMore = true;
  }
  const gone: string[] = [];
  for (const path of names.size === 0 ? [] : contents.paths()) {
    if (names.has(numberOf(path))) continue;
    if (gone.length < most) gone.push(path);
    else isMore = true;
  }
  return {
    paths: [...gone, ...differing.keys()],
    isMore,
    states: (isDone) =>
      new Set([...same, ...[...differing].flatMap(([path, number]) => (isDone(path) ? [number] : []))]),
  };
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
