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
