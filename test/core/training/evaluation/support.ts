import type { Labelled } from '../../../../core/gallery/gallery.ts';
import { Random } from '../../../../core/random.ts';

/** Labelled embeddings from [class, embedding] rows. */
export function labelled(
  rows: readonly (readonly [string, readonly number[]])[],
  dimensions?: number,
): Labelled {
  return {
    dimensions: dimensions ?? rows[0]?.[1].length ?? 2,
    keys: rows.map(([name], i) => `${name}/${String(i).padStart(4, '0')}`),
    classes: rows.map(([name]) => name),
    embeddings: Float32Array.from(rows.flatMap(([, embedding]) => embedding)),
  };
}

/** Overlapping clouds, of classes of different sizes. */
export function randomLabelled(rows: number, classes: number, seed: number): Labelled {
  const random = new Random(seed);
  const centres = Array.from({ length: classes }, () => [random.normal(), random.normal(), random.normal()]);
  return labelled(
    Array.from({ length: rows }, () => {
      const c = Math.min(random.below(classes), random.below(classes));
      return [`class ${c}`, (centres[c] ?? []).map((x) => x + 0.8 * random.normal())];
    }),
  );
}

/** For each query the classes of all rows, nearest first, by trying and sorting them all; `self` leaves out the row of the query's number. */
export function naiveRankings(queries: Labelled, gallery: Labelled, self: boolean): string[][] {
  return queries.keys.map((_, q) => {
    const rows: { class: string; key: string; distance: number }[] = [];
    for (let row = 0; row < gallery.keys.length; row++) {
      if (self && row === q) continue;
      let distance = 0;
      for (let d = 0; d < gallery.dimensions; d++) {
        const difference =
          (queries.embeddings[q * queries.dimensions + d] ?? 0) -
          (gallery.embeddings[row * gallery.dimensions + d] ?? 0);
        distance += difference * difference;
      }
      rows.push({ class: gallery.classes[row] ?? '', key: gallery.keys[row] ?? '', distance });
    }
    rows.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1));
    return rows.map((row) => row.class);
  });
}
