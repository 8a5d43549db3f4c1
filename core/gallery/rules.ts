import type { Estimates } from './candidates.ts';
import { compareText, embeddingAt, type GalleryDistance } from './gallery.ts';
import { createSearch, type Search } from './search.ts';

/**
 * What a class's distance is:
 * - `nearest`: the distance to its nearest picture;
 * - `k-nearest`: the mean distance to its {@link K_NEAREST} nearest pictures, or to all when there are fewer;
 * - `class-mean`: the distance to the mean of its pictures. Where embeddings are of unit length, or only their direction counts (cosine
 *   distances), the mean is that of the directions, and of unit length itself: a class whose pictures differ much would else be nearer to
 *   everything than others, for its mean is shorter.
 *
 * By all of them, a class that holds the very picture is at distance 0.
 */
export const RULES = ['nearest', 'k-nearest', 'class-mean'] as const;
export type Rule = (typeof RULES)[number];

export const K_NEAREST = 3;

/** A class, how far it is from the query by the rule, and its picture that is nearest to the query. */
export interface RankedClass {
  readonly class: string;
  readonly distance: number;
  readonly key: string;
}

/**
 * Ranks the classes for one query after another, all of them or the `top` nearest. Made once per gallery and rule.
 * @param estimates as {@link Search.nearestPerClass} takes them
 */
export type ClassRanker = (query: Float32Array, top?: number, estimates?: Estimates) => RankedClass[];

/** Prepares the rule; the classes come nearest first, ties by key. */
export function createRanker(search: Search, rule: Rule): ClassRanker {
  if (rule === 'nearest') {
    return (query, top, estimates) => search.nearestPerClass(query, top, estimates).map(rankedAs);
  }
  const distancesOf = rule === 'k-nearest' ? nearestFew(search) : keptMeans(search);
  return (query, top, estimates) => {
    const distances = distancesOf(query);
    return search
      .nearestPerClass(query, Infinity, estimates)
      .map((nearest) =>
        rankedAs({ ...nearest, distance: nearest.distance && (distances.get(nearest.class) ?? Infinity) }),
      )
      .sort((a, b) => a.distance - b.distance || compareText(a.key, b.key))
      .slice(0, top);
  };
}

const rankedAs = ({ class: name, distance, key }: RankedClass): RankedClass => ({
  class: name,
  distance,
  key,
});

/** How far each class is from a query. */
type DistancesOf = (query: Float32Array) => ReadonlyMap<string, number>;

function nearestFew(search: Search): DistancesOf {
  const { classes, classIds } = search;
  return (query) => {
    const nearest = classes.map((): number[] => []);
    for (const [row, distance] of search.distances(query).entries())
      keepSmallest(nearest[classIds[row] as number] ?? [], distance);
    return new Map(classes.map((name, id) => [name, meanOf(nearest[id] ?? [])]));
  };
}

/** Keeps the {@link K_NEAREST} smallest, ascending. */
export function keepSmallest(kept: number[], distance: number): void {
  if (kept.length === K_NEAREST && distance >= (kept.at(-1) as number)) return;
  const at = kept.findIndex((other) => distance < other);
  kept.splice(at < 0 ? kept.length : at, 0, distance);
  if (kept.length > K_NEAREST) kept.pop();
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Means go through the whole gallery; a search is asked with one threshold after another. */
const meansBySearch = new WeakMap<Search, DistancesOf>();

function keptMeans(search: Search): DistancesOf {
  const kept = meansBySearch.get(search) ?? classMeans(search);
  meansBySearch.set(search, kept);
  return kept;
}

function classMeans(search: Search): DistancesOf {
  const { gallery, classes, classIds } = search;
  const sums = sumsPerClass(gallery, classIds, classes.length);
  const counts = new Int32Array(classes.length);
  for (const id of classIds) counts[id] = (counts[id] ?? 0) + 1;
  const means = createSearch(meansFrom(gallery, classes, sums, counts, isOfUnitLength(gallery)));
  return (query) => new Map([...means.distances(query)].map((distance, id) => [classes[id] ?? '', distance]));
}

/** One row a class: the mean of its pictures, of unit length where theirs are; zeros for a class without any. */
export function meansFrom(
  { dimensions, distance }: Search['gallery'],
  classes: readonly string[],
  sums: Float64Array,
  counts: Int32Array,
  areUnits: boolean,
): Search['gallery'] {
  const embeddings = new Float32Array(sums.length);
  for (const [id, count] of counts.entries()) {
    const sum = sums.subarray(id * dimensions, (id + 1) * dimensions);
    const length = areUnits ? Math.hypot(...sum) : count;
    // Pictures that cancel out have no direction.
    const divisor = length > 1e-9 ? length : Math.max(1, count);
    for (const [d, value] of sum.entries()) embeddings[id * dimensions + d] = value / divisor;
  }
  return { dimensions, distance, keys: classes, classes, embeddings };
}

/** Whether every embedding is of length one, or may be taken to be because only directions count. */
export function isOfUnitLength({ embeddings, dimensions, distance }: Search['gallery']): boolean {
  if (distance === 'cosine') return true;
  for (let start = 0; start < embeddings.length; start += dimensions) {
    const squared = embeddings
      .subarray(start, start + dimensions)
      .reduce((sum, value) => sum + value * value, 0);
    if (Math.abs(squared - 1) > 1e-3) return false;
  }
  return true;
}

/** Classes x dimensions: the sum of each class's embeddings, each taken as {@link pointOf} gives it. */
export function sumsPerClass(
  gallery: Search['gallery'],
  classIds: Int32Array,
  classes: number,
): Float64Array {
  const sums = new Float64Array(classes * gallery.dimensions);
  for (const [row, id] of classIds.entries())
    addTo(sums, id, pointOf(embeddingAt(gallery, row), gallery.distance), 1);
  return sums;
}

/** Adds `times` the vector to row `id` of a matrix. */
export function addTo(matrix: Float64Array, id: number, vector: Float32Array, times: number): void {
  const start = id * vector.length;
  for (let d = 0; d < vector.length; d++) {
    matrix[start + d] = (matrix[start + d] as number) + times * (vector[d] as number);
  }
}

/** What a class's mean is made of: the embedding, or for cosine distances its direction. */
export function pointOf(embedding: Float32Array, distance: GalleryDistance): Float32Array {
  if (distance !== 'cosine') return embedding;
  const norm = Math.sqrt(embedding.reduce((sum, value) => sum + value * value, 0));
  return norm === 0 ? embedding : embedding.map((value) => value / norm);
}
