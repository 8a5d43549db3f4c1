import { compareText } from '../../gallery/gallery.ts';

/** counts[i][j]: how many queries of class labels[i] were answered with class labels[j]. */
export interface Confusion {
  /** The classes of queries and answers, sorted. */
  readonly labels: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/** A pair of different classes, and how often the first was taken for the second. */
export interface ConfusedPair {
  readonly class: string;
  readonly predicted: string;
  readonly count: number;
  /** How many queries of the first class there were. */
  readonly of: number;
}

/** Counts the answers. A class of queries that the gallery lacks has a row of its own, with nothing on the diagonal. */
export function confusionOf(
  answers: readonly { readonly class: string; readonly predicted: string }[],
): Confusion {
  const labels = [...new Set(answers.flatMap((answer) => [answer.class, answer.predicted]))].sort(
    compareText,
  );
  const index = new Map(labels.map((label, i) => [label, i]));
  const counts = labels.map(() => labels.map(() => 0));
  for (const answer of answers) {
    const row = counts[index.get(answer.class) ?? -1] ?? [];
    const column = index.get(answer.predicted) ?? -1;
    row[column] = (row[column] ?? 0) + 1;
  }
  return { labels, counts };
}

/** The pairs of classes that were confused, most often first, ties in the order of the labels. */
export function confusedPairs(confusion: Confusion): ConfusedPair[] {
  return confusion.counts
    .flatMap((row, i) => {
      const of = sum(row);
      return row.flatMap((count, j) => {
        if (i === j || count === 0) return [];
        return [{ class: confusion.labels[i] ?? '', predicted: confusion.labels[j] ?? '', count, of }];
      });
    })
    .sort((a, b) => b.count - a.count);
}

/** The number of queries, and of those on the diagonal. */
export function totalsOf(confusion: Confusion): { images: number; right: number } {
  return {
    images: sum(confusion.counts.map(sum)),
    right: sum(confusion.counts.map((row, i) => row[i] ?? 0)),
  };
}

/** The sum of the numbers; 0 for none. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
