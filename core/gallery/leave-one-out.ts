import { embeddingAt, type Gallery } from './gallery.ts';
import {
  addTo,
  isOfUnitLength,
  keepSmallest,
  meanOf,
  meansFrom,
  pointOf,
  type Rule,
  sumsPerClass,
} from './rules.ts';
import { createSearch, nearestRowPerClass, type Search } from './search.ts';

/** What a picture of the gallery would have been told, had it (and every copy of it) not been in the gallery. */
export interface LeftOut {
  readonly row: number;
  /** The distance of its own class by the rule; null when no other picture of the class is left. */
  readonly own: number | null;
  /** The distances of the nearest and of the second nearest other class; null when there are not so many classes. */
  readonly others: readonly [number | null, number | null];
  /** The same two if its whole class had been unknown also to the training; absent: `others` has to do. */
  readonly stranger?: readonly [number | null, number | null];
}

// More pictures than this are thinned evenly: thresholds do not get better, but the work grows with the square.
const MAX_PICTURES = 2000;
// Two embeddings nearer than this part of a picture's mean distance are of one picture, stored twice or in another format.
const COPY = 1e-9;

/**
 * Asks for the class of each picture of the gallery with that picture left out. Copies of a picture (the same bytes, or practically the same
 * embedding) count as the picture itself: they are left out with it, and asked for only once.
 */
export function leaveOneOut(gallery: Gallery, rule: Rule): LeftOut[] {
  const search = createSearch(gallery);
  const classDistances = BY_RULE[rule](search);
  const step = Math.max(1, Math.ceil(gallery.keys.length / MAX_PICTURES));
  const results: LeftOut[] = [];
  for (let row = 0; row < gallery.keys.length; row += step) {
    const distances = search.distances(embeddingAt(gallery, row));
    const copies = copiesOf(gallery, row, distances);
    const classId = search.classIds[row] ?? -1;
    if (copies.some((copy) => copy < row && copy % step === 0 && search.classIds[copy] === classId)) continue;
    const found = classDistances(row, distances, new Set(copies));
    const others = found
      .filter((distance, id): distance is number => id !== classId && distance !== null)
      .sort((a, b) => a - b);
    results.push({ row, own: found[classId] ?? null, others: [others[0] ?? null, others[1] ?? null] });
  }
  return results;
}

/** The row itself and every row that holds the same picture. */
function copiesOf(gallery: Gallery, row: number, distances: Float64Array): number[] {
  const limit = (COPY * distances.reduce((sum, distance) => sum + distance, 0)) / distances.length;
  const copies: number[] = [];
  for (let other = 0; other < distances.length; other++) {
    const same = (distances[other] as number) <= limit || gallery.sha256[other] === gallery.sha256[row];
    if (same) copies.push(other);
  }
  return copies;
}

/** For one picture, per class its distance without the copies, or null for a class that is empty without them. */
type ClassDistances = (
  row: number,
  distances: Float64Array,
  copies: ReadonlySet<number>,
) => (number | null)[];

function byNearest({ gallery, classIds, classes }: Search): ClassDistances {
  return (_, distances, copies) =>
    nearestRowPerClass(gallery, classIds, classes.length, distances, (row) => copies.has(row)).map((row) =>
      row < 0 ? null : (distances[row] ?? null),
    );
}

function byNearestFew({ classIds, classes }: Search): ClassDistances {
  return (_, distances, copies) => {
    const nearest = classes.map((): number[] => []);
    for (const [row, distance] of distances.entries()) {
      if (!copies.has(row)) keepSmallest(nearest[classIds[row] as number] ?? [], distance);
    }
    return nearest.map((few) => (few.length === 0 ? null : meanOf(few)));
  };
}

function byClassMean({ gallery, classIds, classes }: Search): ClassDistances {
  const sums = sumsPerClass(gallery, classIds, classes.length);
  const counts = new Int32Array(classes.length);
  for (const id of classIds) counts[id] = (counts[id] ?? 0) + 1;
  const areUnits = isOfUnitLength(gallery);

  return (row, _, copies) => {
    const [left, remaining] = [sums.slice(), counts.slice()];
    for (const copy of copies) {
      const id = classIds[copy] ?? 0;
      addTo(left, id, pointOf(embeddingAt(gallery, copy), gallery.distance), -1);
      remaining[id] = (remaining[id] ?? 0) - 1;
    }
    const means = createSearch(meansFrom(gallery, classes, left, remaining, areUnits));
    const found = means.distances(embeddingAt(gallery, row));
    return Array.from(found, (value, id) => (remaining[id] === 0 ? null : value));
  };
}

const BY_RULE: Record<Rule, (search: Search) => ClassDistances> = {
  nearest: byNearest,
  'k-nearest': byNearestFew,
  'class-mean': byClassMean,
};
