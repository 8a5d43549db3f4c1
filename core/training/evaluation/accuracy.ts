import { compareText } from '../../gallery/gallery.ts';

export interface ClassAccuracy {
  readonly class: string;
  readonly images: number;
  readonly right: number;
  readonly accuracy: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The share of right answers within each class of queries, sorted by class. */
export function accuracyPerClass(
  answers: readonly { readonly class: string; readonly predicted: string }[],
): ClassAccuracy[] {
  const counts = new Map<string, { images: number; right: number }>();
  for (const { class: className, predicted } of answers) {
    const { images, right } = counts.get(className) ?? { images: 0, right: 0 };
    counts.set(className, { images: images + 1, right: right + (predicted === className ? 1 : 0) });
  }
  return [...counts]
    .map(([name, { images, right }]) => ({ class: name, images, right, accuracy: right / images }))
    .sort((a, b) => compareText(a.class, b.class));
}

/** The mean of the classes' accuracies: every class counts the same, however many queries it has. */
export function macroAccuracy(perClass: readonly ClassAccuracy[]): number {
  return perClass.reduce((sum, { accuracy }) => sum + accuracy, 0) / perClass.length;
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
