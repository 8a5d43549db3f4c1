import type { Labelled } from '../../gallery/gallery.ts';
import { nearestRows, type Search } from '../../gallery/search.ts';

/** The k of recall@k and precision@k. */
export const RANKS = [1, 2, 4, 8] as const;
export type Rank = (typeof RANKS)[number];

/** How well a query's relatives come before all others. R is the number of pictures of the query's class that it can find. */
export interface Retrieval {
  /** Share of queries with at least one of the k nearest of their class (Oh Song et al., 2016). */
  readonly recallAt: Readonly<Record<Rank, number>>;
  /** Mean share of the k nearest (of all, when there are fewer) that are of the query's class. */
  readonly precisionAt: Readonly<Record<Rank, number>>;
  /** Mean share of the R nearest that are of the query's class; null when no query has a relative. */
  readonly rPrecision: number | null;
  /** Mean of (1/R) sum over i <= R of P(i), where P(i) is the precision at i if the i-th nearest is of the query's class, else 0; null likewise. */
  readonly mapAtR: number | null;
}

/**
 * Recall@k, precision@k, R-precision and MAP@R as defined by Musgrave, Belongie and Lim (2020), "A Metric Learning Reality Check".
 * Queries without any relative (R = 0) count as not found in recall@k and precision@k, and are left out of the two means over R.
 * @param leaveOneOut the queries are the gallery itself, and none finds itself
 */
export function measureRetrieval(queries: Labelled, search: Search, leaveOneOut: boolean): Retrieval {
  const { gallery } = search;
  const classSizes = new Map<string, number>();
  for (const name of gallery.classes) classSizes.set(name, (classSizes.get(name) ?? 0) + 1);
  const scores: QueryScore[] = [];
  search.forEach(queries.embeddings, (query, distances) => {
    const className = queries.classes[query] ?? '';
    const relatives = (classSizes.get(className) ?? 0) - (leaveOneOut ? 1 : 0);
    const depth = Math.max(relatives, RANKS[RANKS.length - 1] ?? 1);
    const rows = nearestRows(gallery, distances, depth, leaveOneOut ? query : -1);
    scores.push(
      scoreQuery(
        rows.map((row) => gallery.classes[row] === className),
        relatives,
      ),
    );
  });

  const withRelatives = scores.filter((score) => score.relatives > 0);
  return {
    recallAt: perRank((k) => mean(scores, ({ hits }) => (hits.slice(0, k).includes(true) ? 1 : 0))),
    precisionAt: perRank((k) => mean(scores, ({ hits }) => precision(hits, k))),
    rPrecision: withRelatives.length === 0 ? null : mean(withRelatives, (score) => score.rPrecision),
    mapAtR: withRelatives.length === 0 ? null : mean(withRelatives, (score) => score.averagePrecision),
  };
}

interface QueryScore {
  readonly relatives: number;
  /** Whether the nearest, the second nearest ... are of the query's class; as far as the ranks need it. */
  readonly hits: readonly boolean[];
  readonly rPrecision: number;
  readonly averagePrecision: number;
}

function scoreQuery(hits: readonly boolean[], relatives: number): QueryScore {
  let found = 0;
  let sumOfPrecisions = 0;
  for (let i = 0; i < relatives; i++) {
    if (hits[i] !== true) continue;
    found++;
    sumOfPrecisions += found / (i + 1);
  }
  return {
    relatives,
    hits: hits.slice(0, RANKS[RANKS.length - 1]),
    rPrecision: found / relatives,
    averagePrecision: sumOfPrecisions / relatives,
  };
}

function precision(hits: readonly boolean[], k: number): number {
  const nearest = hits.slice(0, k);
  return nearest.length === 0 ? 0 : nearest.filter(Boolean).length / nearest.length;
}

function perRank(measure: (k: number) => number): Record<Rank, number> {
  return { 1: measure(1), 2: measure(2), 4: measure(4), 8: measure(8) };
}

function mean<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0) / items.length;
}
