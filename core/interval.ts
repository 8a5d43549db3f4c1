/** A range that a measured share's true value lies in, as far as chance goes. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The 95 % interval of a share of `right` in `total` (Wilson, 1927, "Probable inference, the law of succession, and statistical inference").
 */
export function wilsonInterval(right: number, total: number): Interval {
  const z = 1.959963984540054;
  const share = right / total;
  const centre = share + (z * z) / (2 * total);
  const reach = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) };
}

/** Some queries that have something in common, and how many of them were hits. */
export interface Cluster {
  readonly hits: number;
  readonly total: number;
}

/**
 * The 95 % interval of a share where it is the clusters that were drawn: pictures of one class resemble each other, and another class may be
 * quite another thing. Wilson's interval for an effective number of pictures, n / d (t(n - 1) / t(k - 1))^2, d the design effect (how much
 * more the k clusters differ than by chance, at least 1) and t the quantiles of Student's distribution (Korn and Graubard, 1998, "Confidence
 * intervals for proportions with small expected number of positive counts estimated from survey data").
 */
export function clusteredInterval(clusters: readonly Cluster[]): Interval {
  const total = clusters.reduce((sum, cluster) => sum + cluster.total, 0);
  const share = clusters.reduce((sum, { hits }) => sum + hits, 0) / total;
  const count = clusters.length;
  if (count < 2) return { low: 0, high: 1 };
  const binomial = (share * (1 - share)) / total;
  const squares = clusters.reduce((sum, cluster) => sum + (cluster.hits - cluster.total * share) ** 2, 0);
  const between = ((count / (count - 1)) * squares) / total ** 2;
  const design = binomial === 0 ? 1 : Math.max(1, between / binomial);
  const effective = (total / design) * (studentQuantile(total - 1) / studentQuantile(count - 1)) ** 2;
  return wilsonInterval(share * effective, effective);
}

/** The 97.5 % quantile of Student's distribution; above three degrees of freedom by its expansion around the normal one (Abramowitz and Stegun, 1964, 26.7.5). */
export function studentQuantile(freedom: number): number {
  const few = [12.7062, 4.3027, 3.1824][freedom - 1];
  if (few !== undefined) return few;
  const z = 1.959963984540054;
  const terms = [
    z,
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return terms.reduce((sum, term, power) => sum + term / freedom ** power, 0);
}
