/** How pictures become batches. Rows are indices into the training pictures. */
import type { Random } from '../random.ts';
import type { Triplets } from './triplets.ts';

/** One step's pictures, each once, and the triplets among them when they were chosen beforehand. */
export interface Batch {
  readonly rows: Int32Array;
  /** Indices into `rows`; null: mined from the batch's own embeddings. */
  readonly triplets: Triplets | null;
}

/** Shuffles triplets and cuts them into batches of `size`; each distinct picture of a batch is there once. */
export function tripletBatches(triplets: Triplets, size: number, random: Random): Batch[] {
  const order = random.shuffle(Array.from(triplets.anchors, (_, i) => i));
  const batches: Batch[] = [];
  for (let start = 0; start < order.length; start += size) {
    batches.push(distinct(triplets, order.slice(start, start + size)));
  }
  return batches;
}

/** Triplets in their order, all in one batch. */
export function distinct(triplets: Triplets, chosen: readonly number[]): Batch {
  const places = new Map<number, number>();
  const place = (row: number): number => {
    const known = places.get(row);
    if (known !== undefined) return known;
    places.set(row, places.size);
    return places.size - 1;
  };
  const pick = (rows: Int32Array): Int32Array => Int32Array.from(chosen, (i) => place(rows[i] as number));
  const among: Triplets = {
    anchors: pick(triplets.anchors),
    positives: pick(triplets.positives),
    negatives: pick(triplets.negatives),
  };
  return { rows: Int32Array.from(places.keys()), triplets: among };
}

/**
 * Batches of up to `classes` classes with up to `pictures` pictures each (Hermans et al. 2017, "PK" batches).
 * Classes with fewer than two pictures give negatives only: they fill up a batch that has too few classes.
 */
export function classBatches(
  labels: Int32Array,
  { classes, pictures, count }: { classes: number; pictures: number; count: number },
  random: Random,
): Batch[] {
  const groups = rowsByLabel(labels);
  const pairs = groups.filter((rows) => rows.length > 1);
  const lone = groups.filter((rows) => rows.length === 1);
  return Array.from({ length: count }, () => {
    const chosen = random.shuffle([...pairs]).slice(0, classes);
    chosen.push(...random.shuffle([...lone]).slice(0, classes - chosen.length));
    const rows = chosen.flatMap((group) => random.shuffle([...group]).slice(0, pictures));
    return { rows: Int32Array.from(rows), triplets: null };
  });
}

/** The rows of each class, classes in the order in which they first come. */
export function rowsByLabel(labels: Int32Array): number[][] {
  const members = new Map<number, number[]>();
  for (const [row, label] of labels.entries()) {
    const rows = members.get(label);
    if (rows === undefined) members.set(label, [row]);
    else rows.push(row);
  }
  return [...members.values()];
}
