/** Losses again, one pair or triplet at a time in double precision, by their papers' formulas. */
export interface NaiveBatch {
  readonly rows: number[][];
  readonly labels: Int32Array;
  readonly triplets: number[][];
  /** Smaller is closer, for similarities too. */
  readonly far: (a: number[], b: number[]) => number;
}

/** What each triplet, pair or anchor adds, and the share that is active. */
interface NaiveParts {
  readonly parts: number[];
  readonly active: number;
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);
const share = (values: number[]): number => mean(values.map((value) => (value > 0 ? 1 : 0)));

export const dot = (a: number[], b: number[]): number => sum(a.map((x, k) => x * (b[k] as number)));
export const squaredDistance = (a: number[], b: number[]): number =>
  sum(a.map((x, k) => (x - (b[k] as number)) ** 2));
export const cosineSimilarity = (a: number[], b: number[]): number =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

function violations({ rows, triplets, far }: NaiveBatch): number[] {
  const row = (i: number | undefined): number[] => rows[i as number] as number[];
  return triplets.map(([a, p, n]) => far(row(a), row(p)) - far(row(a), row(n)));
}

export function triplet(batch: NaiveBatch, margin: number): NaiveParts {
  const parts = violations(batch).map((violation) => Math.max(violation + margin, 0));
  return { parts, active: share(parts) };
}

export function softMargin(batch: NaiveBatch): NaiveParts {
  const all = violations(batch);
  return { parts: all.map((violation) => Math.log(1 + Math.exp(violation))), active: share(all) };
}

/** Margins in the direction of `far`. `mean` is that of each kind of pair, added. */
export function contrastive(
  { rows, labels, far }: NaiveBatch,
  positiveMargin: number,
  negativeMargin: number,
): { sum: number; mean: number; active: number } {
  const positive: number[] = [];
  const negative: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < i; j++) {
      const distance = far(rows[i] as number[], rows[j] as number[]);
      if (labels[i] === labels[j]) positive.push(0.5 * Math.max(distance - positiveMargin, 0) ** 2);
      else negative.push(0.5 * Math.max(negativeMargin - distance, 0) ** 2);
    }
  }
  const active = share([...positive, ...negative]);
  return { sum: sum(positive) + sum(negative), mean: mean(positive) + mean(negative), active };
}

export interface MultiSimilarityOptions {
  alpha: number;
  beta: number;
  base: number;
  /** Null without mining. */
  epsilon: number | null;
}

/** As the authors' own program goes through the anchors: one that has no pair of either kind is left out. */
export function multiSimilarity(
  { rows, labels }: Pick<NaiveBatch, 'rows' | 'labels'>,
  { alpha, beta, base, epsilon }: MultiSimilarityOptions,
): NaiveParts {
  const parts: number[] = [];
  let [kept, possible] = [0, 0];
  for (const [i, anchor] of rows.entries()) {
    const others = rows.map((row, j) => ({ j, s: cosineSimilarity(anchor, row) })).filter(({ j }) => j !== i);
    let positive = others.filter(({ j }) => labels[j] === labels[i]).map(({ s }) => s);
    let negative = others.filter(({ j }) => labels[j] !== labels[i]).map(({ s }) => s);
    if (positive.length === 0 || negative.length === 0) {
      parts.push(0);
      continue;
    }
    possible += positive.length + negative.length;
    if (epsilon !== null) {
      const [least, most] = [Math.min(...positive), Math.max(...negative)];
      positive = positive.filter((s) => s < most + epsilon);
      negative = negative.filter((s) => s > least - epsilon);
    }
    kept += positive.length + negative.length;
    const pull = Math.log(1 + sum(positive.map((s) => Math.exp(-alpha * (s - base))))) / alpha;
    const push = Math.log(1 + sum(negative.map((s) => Math.exp(beta * (s - base))))) / beta;
    parts.push(pull + push);
  }
  return { parts, active: kept / possible };
}

export { mean, sum };
