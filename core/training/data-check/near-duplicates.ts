import { groupsOf } from '../../images/same-picture.ts';
import type { SamePicture } from '../../images/same-picture.ts';
import { found, listed, quoted } from './check.ts';
import type { Check, Material } from './check.ts';
import type { Finding } from './finding.ts';

export const nearDuplicates: Check = {
  name: 'near-duplicates',
  title: 'Near-duplicates',
  severity: 'advice',
  suggestion: 'keep the best image of each group and delete the others',
  find: (material) => [...ofSameBytes(material), ...groupsWithinClasses(material)],
};

/** The scan has left them out already. */
function ofSameBytes({ problems }: Material): Finding[] {
  return problems
    .filter(({ problem }) => problem.kind === 'duplicate')
    .map(({ part, problem: { key, reason } }) => ({
      message: `${quoted(key)}: ${reason}`,
      pictures: [{ part, key, class: key.split('/')[0] ?? '' }],
      evidence: [],
      classes: [key.split('/')[0] ?? ''],
      certainty: 1,
    }));
}

/** Across classes or parts they are conflicting labels or leaks. */
function groupsWithinClasses({ subjects, nearDuplicates: all }: Material): Finding[] {
  const images = subjects.map(({ picture }) => picture);
  const pairs = all.flatMap(({ a, b, similarity }) => {
    const [one, other] = [subjects[a], subjects[b]];
    if (one === undefined || other === undefined || one.part !== other.part) return [];
    if (one.picture.className !== other.picture.className) return [];
    return { a, similarity, images: [one.picture, other.picture] satisfies SamePicture };
  });
  const firsts = groupsOf(
    images,
    pairs.map((pair) => pair.images),
  );
  const least = new Map<number, number>();
  for (const { a, similarity } of pairs) {
    const first = firsts[a] as number;
    least.set(first, Math.min(similarity, least.get(first) ?? 1));
  }
  return [...least].map(([first, certainty]) => {
    const same = subjects.filter((_, row) => firsts[row] === first);
    return {
      message: `${listed(same.map(({ picture }) => picture.key))} show the same image`,
      pictures: same.map(found),
      evidence: [],
      classes: [...new Set(same.map(({ picture }) => picture.className))],
      certainty,
    };
  });
}
