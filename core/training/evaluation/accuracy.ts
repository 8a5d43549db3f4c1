import { compareText } from '../../gallery/gallery.ts';

export { type Interval, wilsonInterval } from '../../interval.ts';

export interface ClassAccuracy {
  readonly class: string;
  readonly images: number;
  readonly right: number;
  readonly accuracy: number;
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
