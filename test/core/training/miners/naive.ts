import type { DistanceMatrix } from '../../../../core/training/distances/index.ts';
import type { MinerName } from '../../../../core/training/miners/index.ts';

type NaiveMiner = (distances: DistanceMatrix, labels: Int32Array, margin: number) => number[][];

interface Batch {
  /** Smaller is closer, for similarities too. */
  far(i: number, j: number): number;
  /** Classes by ascending label, rows ascending. */
  classes: number[][];
  outside(row: number): number[];
}

function batchOf({ size, values, largerIsCloser }: DistanceMatrix, labels: Int32Array): Batch {
  const rows = [...labels.keys()];
  const names = [...new Set(labels)].sort((a, b) => a - b);
  return {
    far: (i, j) => (largerIsCloser ? -1 : 1) * (values[i * size + j] as number),
    classes: names.map((label) => rows.filter((row) => labels[row] === label)),
    outside: (row) => rows.filter((other) => labels[other] !== labels[row]),
  };
}

/** The first row whose score is least, found by looking at all. */
function argmin(rows: number[], score: (row: number) => number): number {
  const least = Math.min(...rows.map(score));
  return rows.find((row) => score(row) === least) as number;
}

function pairsInOrder({ classes }: Batch): [number, number][] {
  return classes.flatMap((rows) =>
    rows.flatMap((a) => rows.filter((p) => p > a).map((p): [number, number] => [a, p])),
  );
}

function orderedPairs({ classes }: Batch): [number, number][] {
  return classes.flatMap((rows) =>
    rows.flatMap((a) => rows.filter((p) => p !== a).map((p): [number, number] => [a, p])),
  );
}

/** Each miner again, by loops over everything. */
export const naiveMiners: Record<MinerName, NaiveMiner> = {
  all(distances, labels) {
    const batch = batchOf(distances, labels);
    return orderedPairs(batch).flatMap(([a, p]) => batch.outside(a).map((n) => [a, p, n]));
  },
  /** Only the pairs are comparable. */
  random(distances, labels) {
    return pairsInOrder(batchOf(distances, labels)).map(([a, p]) => [a, p, -1]);
  },
  'close-distance'(distances, labels) {
    const batch = batchOf(distances, labels);
    return pairsInOrder(batch).map(([a, p]) => {
      const gap = (n: number): number => Math.abs(batch.far(a, n) - batch.far(a, p));
      return [a, p, argmin(batch.outside(a), gap)];
    });
  },
  'semi-hard'(distances, labels, margin) {
    const batch = batchOf(distances, labels);
    return orderedPairs(batch).map(([a, p]) => {
      const negatives = batch.outside(a);
      const farther = negatives.filter((n) => batch.far(a, n) > batch.far(a, p));
      const within = farther.filter((n) => batch.far(a, n) < batch.far(a, p) + margin);
      if (within.length > 0) return [a, p, argmin(within, (n) => batch.far(a, n))];
      const harder = negatives.filter((n) => batch.far(a, n) <= batch.far(a, p));
      if (harder.length > 0) return [a, p, argmin(harder, (n) => -batch.far(a, n))];
      return [a, p, argmin(farther, (n) => batch.far(a, n))];
    });
  },
  'batch-hard'(distances, labels) {
    const batch = batchOf(distances, labels);
    return batch.classes
      .filter((rows) => rows.length > 1)
      .flatMap((rows) =>
        rows.map((a) => [
          a,
          argmin(
            rows.filter((p) => p !== a),
            (p) => -batch.far(a, p),
          ),
          argmin(batch.outside(a), (n) => batch.far(a, n)),
        ]),
      );
  },
};
