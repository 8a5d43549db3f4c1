/** Which pairs of a batch take part: flags at i * n + j, anchors in rows. */
export interface PairFlags {
  readonly positive: Uint8Array;
  readonly negative: Uint8Array;
  /** How many flags are set. */
  readonly count: number;
}

/**
 * Every ordered pair of an anchor that has both a positive and a negative. With `epsilon`, of these the informative ones
 * (Wang et al. 2019): negatives more similar than the least similar positive - epsilon, positives less
 * similar than the most similar negative + epsilon. `similarities` is row-major [n, n].
 */
export function choosePairs(
  similarities: Float32Array,
  labels: Int32Array,
  epsilon: number | null,
): PairFlags {
  const size = labels.length;
  const flags = { positive: new Uint8Array(size * size), negative: new Uint8Array(size * size), count: 0 };
  for (let i = 0; i < size; i++) {
    const row = similarities.subarray(i * size, (i + 1) * size);
    const { leastPositive, mostNegative } = extremes(row, labels, i);
    if (leastPositive === Infinity || mostNegative === -Infinity) continue;
    for (let j = 0; j < size; j++) {
      if (j === i) continue;
      const similarity = row[j] as number;
      const same = labels[j] === labels[i];
      const slack = same ? mostNegative - similarity : similarity - leastPositive;
      if (epsilon !== null && slack + epsilon <= 0) continue;
      (same ? flags.positive : flags.negative)[i * size + j] = 1;
      flags.count++;
    }
  }
  return flags;
}

function extremes(
  row: Float32Array,
  labels: Int32Array,
  i: number,
): { leastPositive: number; mostNegative: number } {
  let leastPositive = Infinity;
  let mostNegative = -Infinity;
  for (const [j, similarity] of row.entries()) {
    if (j === i) continue;
    if (labels[j] === labels[i]) leastPositive = Math.min(leastPositive, similarity);
    else mostNegative = Math.max(mostNegative, similarity);
  }
  return { leastPositive, mostNegative };
}
