import { groupsOf } from '../../images/same-picture.ts';
import { found, listed, ofProblem } from './check.ts';
import type { Check, Material, Subject } from './check.ts';
import type { Finding } from './finding.ts';

export const nearDuplicates: Check = {
  name: 'near-duplicates',
  title: 'Near-duplicates',
  severity: 'advice',
  suggestion: 'keep the best image of each group and delete the others',
  find: (material) => [
    // Files of the same bytes: the scan has left them out already.
    ...material.problems.filter(({ problem }) => problem.kind === 'duplicate').map(ofProblem),
    ...groupsWithinClasses(material),
  ],
};

/** Across classes or parts they are conflicting labels or leaks. */
function groupsWithinClasses({ subjects, nearDuplicates: all }: Material): Finding[] {
  const pairs = all.filter(({ one, other, isSameClass }) => one.part === other.part && isSameClass);
  const firsts = groupsOf(
    subjects.map(({ picture }) => picture),
    pairs.map(({ one, other }) => [one.picture, other.picture] as const),
  );
  const groups = new Map<number, Subject[]>();
  for (const [row, subject] of subjects.entries()) {
    const first = firsts[row] as number;
    groups.set(first, [...(groups.get(first) ?? []), subject]);
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({
      message: `${listed(group.map(({ picture }) => picture.key))} show the same image`,
      pictures: group.map(found),
      evidence: [],
      classes: [group[0]?.picture.className ?? ''],
      certainty: Math.min(...pairs.filter(({ one }) => group.includes(one)).map((pair) => pair.similarity)),
    }));
}
