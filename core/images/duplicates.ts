import { quote } from '../storage/keys.ts';
import { compare } from './dataset.ts';
import type { DataSetProblem, Picture } from './dataset.ts';

/**
 * Finds files of the same bytes. Of those in one class the first, by key, is kept. Those under several classes are all
 * kept, one a class, and reported: which of the classes is right is not for a program to decide, and leaving out all of
 * them could empty a class. Whoever splits or mines must not hold such a pair against each other.
 */
export function sortOutDuplicates(pictures: readonly Picture[]): {
  kept: Picture[];
  problems: DataSetProblem[];
} {
  const kept: Picture[] = [];
  const problems: DataSetProblem[] = [];
  for (const group of groupByContent(pictures).values()) {
    const firsts = new Map<string, Picture>();
    for (const picture of group) {
      const first = firsts.get(picture.className);
      if (first) problems.push(duplicate(picture, first));
      else firsts.set(picture.className, picture);
    }
    kept.push(...firsts.values());
    if (firsts.size > 1) problems.push(...acrossClasses([...firsts.values()]));
  }
  return { kept, problems };
}

/** Pictures by their SHA-256, each group sorted by key. */
export function groupByContent(pictures: readonly Picture[]): Map<string, Picture[]> {
  const groups = new Map<string, Picture[]>();
  for (const picture of [...pictures].sort((a, b) => compare(a.key, b.key))) {
    const group = groups.get(picture.sha256);
    if (group) group.push(picture);
    else groups.set(picture.sha256, [picture]);
  }
  return groups;
}

function duplicate(picture: Picture, first: Picture): DataSetProblem {
  const reason = `it is the same picture as ${quote(first.key)}, which is used in its place`;
  return { key: picture.key, kind: 'duplicate', reason };
}

function acrossClasses(same: readonly Picture[]): DataSetProblem[] {
  return same.map(({ key }) => {
    const others = same.filter((other) => other.key !== key).map((other) => quote(other.key));
    const reason = `the same picture is under another class too: ${others.join(', ')}; delete it where it is wrong`;
    return { key, kind: 'duplicate-across-classes', reason };
  });
}
