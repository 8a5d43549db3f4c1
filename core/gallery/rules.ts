import { compareText, embeddingAt, type GalleryDistance } from './gallery.ts';
import { createSearch, type Search } from './search.ts';

/**
 * What a class's distance is: `nearest`: the distance to its nearest picture. `class-mean`: the distance to the mean of its pictures (for
 * cosine distances, of their directions).
 */
export const RULES = ['nearest', 'class-mean'] as const;
export type Rule = (typeof RULES)[number];

/** A class, how far it is from the query by the rule, and its picture that is nearest to the query. */
export interface RankedClass {
  readonly class: string;
  readonly distance: number;
  readonly key: string;
}

/**
 * Ranks the classes for one query after another, all of them or the `top` nearest. Made once per gallery and rule.
 * @param products as {@link Search.nearestPerClass} takes them
 */
export type ClassRanker = (query: Float32Array, top?: number, products?: Float32Array) => RankedClass[];

/** Prepares the rule; the classes come nearest first, ties by key. */
export function createRanker(search: Search, rule: Rule): ClassRanker {
  if (rule === 'nearest') {
    return (query, top, products) =>
      search.nearestPerClass(query, top, products).map(({ class: className, distance, key }) => ({
        class: className,
        distance,
        key,
      }));
  }
  const means = createSearch(meansOf(search));
  return (query, top, products) => {
    const nearest = search.nearestPerClass(query, Infinity, products);
    const keys = new Map(nearest.map(({ class: name, key }) => [name, key]));
    const distances = means.distances(query);
    return search.classes
      .map((name, id) => ({
        class: name,
        distance: distances[id] ?? Infinity,
        key: keys.get(name) ?? '',
      }))
      .sort((a, b) => a.distance - b.distance || compareText(a.key, b.key))
      .slice(0, top);
  };
}

/** One row a class, in the order of `search.classes`: the mean of its pictures. */
function meansOf({ gallery, classes, classIds }: Search): Search['gallery'] {
  const sums = sumsPerClass(gallery, classIds, classes.length);
  const counts = new Int32Array(classes.length);
  for (const id of classIds) counts[id] = (counts[id] ?? 0) + 1;
  const embeddings = Float32Array.from(
    sums,
    (sum, i) => sum / (counts[Math.floor(i / gallery.dimensions)] ?? 1),
  );
  return { dimensions: gallery.dimensions, distance: gallery.distance, keys: classes, classes, embeddings };
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
