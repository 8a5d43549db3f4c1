/** Pairs as two index arrays of one length into the rows of a batch. */
export interface Pairs {
  readonly left: Int32Array;
  readonly right: Int32Array;
}

/** Every pair i < j of a batch: those of one class, and those of two. */
export function pairsOf(labels: Int32Array): { positive: Pairs; negative: Pairs } {
  const positive: [number[], number[]] = [[], []];
  const negative: [number[], number[]] = [[], []];
  for (let i = 0; i < labels.length; i++) {
    for (let j = i + 1; j < labels.length; j++) {
      const [left, right] = labels[i] === labels[j] ? positive : negative;
      left.push(i);
      right.push(j);
    }
  }
  return { positive: toPairs(positive), negative: toPairs(negative) };
}

function toPairs([left, right]: [number[], number[]]): Pairs {
  return { left: Int32Array.from(left), right: Int32Array.from(right) };
}
