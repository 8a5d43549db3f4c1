/** Groups of near-duplicates. A split keeps each group on one side. */
import type { Picture } from './dataset.ts';

/** Two files of a data set. */
export type SamePicture = readonly [Picture, Picture];

/**
 * Which pictures belong together, directly or by way of others.
 * @param pairs those with a picture that is not among `pictures` count for nothing
 * @returns for every picture the place of the first one that it belongs with: its own where there is no other
 */
export function groupsOf(pictures: readonly Picture[], pairs: Iterable<SamePicture>): Int32Array {
  const places = new Map(pictures.map((picture, i) => [picture, i]));
  const first = Int32Array.from(pictures.keys());
  const firstOf = (place: number): number => {
    let at = place;
    while (first[at] !== at) at = first[at] as number;
    return at;
  };
  for (const [a, b] of pairs) {
    const [one, other] = [places.get(a), places.get(b)];
    if (one === undefined || other === undefined) continue;
    const [p, q] = [firstOf(one), firstOf(other)];
    first[Math.max(p, q)] = Math.min(p, q);
  }
  return first.map((_, place) => firstOf(place));
}

/**
 * By class, the rows of its groups, classes and groups in the order in which they first come. Groups that are of several
 * classes are left out: nothing says which is right.
 * @param labels of every row @param groups see {@link groupsOf}
 */
export function groupsByClass<L>(labels: Iterable<L>, groups: Int32Array): Map<L, number[][]> {
  const of = [...labels];
  const members = new Map<number, number[]>();
  for (const [row, group] of groups.entries()) {
    const rows = members.get(group);
    if (rows === undefined) members.set(group, [row]);
    else rows.push(row);
  }
  const byClass = new Map(of.map((label): [L, number[][]] => [label, []]));
  for (const rows of members.values()) {
    const label = of[rows[0] as number] as L;
    if (rows.every((row) => of[row] === label)) byClass.get(label)?.push(rows);
  }
  return byClass;
}

/** The first groups that have `wanted` members together; where none is that small, the smallest, if it has at most `most`. */
export function takeGroups<T>(groups: readonly T[][], wanted: number, most: number): T[] {
  const taken: T[] = [];
  for (const group of groups) if (taken.length + group.length <= wanted) taken.push(...group);
  if (taken.length > 0 || wanted <= 0) return taken;
  const [smallest = []] = groups.toSorted((a, b) => a.length - b.length);
  return smallest.length <= most ? smallest : [];
}
